"""What the social channels share: one way from a release to a post, and from a post to its network."""

from distributor.posts.answers import Known
from distributor.posts.connected import Connected, OAuth
from distributor.posts.oauth import read_tokens
from distributor.posts.post import Post, same_words
from distributor.posts.social import Social
from distributor.posts.vault import Tokens

__all__ = ["Connected", "Known", "OAuth", "Post", "Social", "Tokens", "read_tokens", "same_words"]
