"""Where a release can be read on the web: in our own newsroom, or on a page of the office's own site."""

from collections.abc import Collection

from distributor.release import LanguageVersion, Release
from distributor.settings import Newsroom


def own_page(newsroom: Newsroom, release: Release, text: LanguageVersion) -> str:
    """Return the address of the newsroom's page of a release in one language."""
    base = f"{newsroom.url.rstrip('/')}/{release.id}"
    return base if text is release.main else f"{base}/{text.lang.lower()}"


def foreign_page(newsroom: Newsroom, release: Release, text: LanguageVersion) -> str:
    """Return the page that the release names, or else the one that the config says it has; empty for none."""
    if text.page_url:
        return text.page_url
    pattern = newsroom.page_url or ""
    return pattern.replace("{id}", release.id).replace("{lang}", text.lang.lower())


def page(newsroom: Newsroom, release: Release, text: LanguageVersion, made: Collection[str] | None) -> str:
    """Return the page that everything links to; empty where nobody makes one.

    `made` are the languages that the newsroom carries; None: all of them.
    """
    own = made is None or text.lang in made
    return foreign_page(newsroom, release, text) or (own_page(newsroom, release, text) if own else "")
