"""What the social channels share: one way from a release to a post, and from a post to its network."""

from distributor.posts.answers import Known
from distributor.posts.connected import Connected, OAuth
from distributor.posts.oauth import read_tokens
from distributor.posts.photos import Photo
from distributor.posts.post import Card, Post, as_json, findings
from distributor.posts.social import Social
from distributor.posts.vault import Tokens

__all__ = [
    "Card",
    "Connected",
    "Known",
    "OAuth",
    "Photo",
    "Post",
    "Social",
    "Tokens",
    "as_json",
    "findings",
    "read_tokens",
]
