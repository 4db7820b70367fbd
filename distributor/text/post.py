"""From the words of a release to the segments of a post."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from distributor.release import LanguageVersion
from distributor.text.fit import Draft, Fitted, Segments, fit
from distributor.text.segments import Hashtag, Link, Live, Mention, Text, mark, parse
from distributor.text.written import Ways, written


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """A channel's template, ready to be filled."""

    name: str  #: `mastodon/post.txt`
    render: Callable[[str, Mapping[str, Any]], str]
    values: Mapping[str, Any]  #: what it may use besides the post's own words
    tag_form: str = "#{}"  #: how the network writes a hashtag
    mentions: Mapping[str, Mention | Text] = field(default_factory=dict)  #: by their name in the handle map
    opening: str = ""  #: stands before everything else

    def compose(self, draft: Draft, link: Link) -> Segments:
        """The post; `headline`, `subheadline`, `summary`, `link`, `hashtags` and `mentions` (by their name in the
        handle map) are the template's to place.

        Raises ConfigError when the template fails or breaks a link or hashtag.
        """
        live: list[Live] = [link, *(Hashtag(tag, self.tag_form) for tag in draft.hashtags)]
        tags, named = range(1, len(live)), dict[str, str]()
        for name, one in self.mentions.items():
            named[name] = one.shown if isinstance(one, Text) else mark(len(live))
            live += [] if isinstance(one, Text) else [one]
        words = {
            "headline": draft.headline,
            "subheadline": draft.subheadline,
            "summary": draft.summary,
            "link": mark(0) if link.url else "",  # a release may have no page
            "hashtags": [mark(index) for index in tags],
            "mentions": named,
        }
        made = parse(self.render(self.name, {**self.values, **words}), live, template=self.name)
        return opened(made, self.opening)


def opened(segments: Segments, opening: str) -> Segments:
    """Return the post with words before everything else; in one piece with the words that follow."""
    if not opening:
        return segments
    first = segments[0] if segments else None
    return (Text(opening + first.shown), *segments[1:]) if isinstance(first, Text) else (Text(opening), *segments)


def made(
    text: LanguageVersion, *, link: Link, tags: tuple[str, ...], template: Template, fits: Callable[[Segments], bool]
) -> Fitted:
    """The post that the template makes of the release, shortened as far as it has to be."""
    draft = Draft(
        headline=text.headline,
        subheadline=text.subheadline or "",
        summary=text.summary or "",
        hashtags=tags,
    )
    return fit(
        draft,
        short_headline=text.short_headline or "",
        compose=lambda draft: template.compose(draft, link),
        fits=fits,
    )


def choose(
    text: LanguageVersion,
    channel: Sequence[str],
    *,
    link: Link,
    tags: tuple[str, ...],
    template: Template,
    fits: Callable[[Segments], bool],
    ways: Ways,
) -> tuple[Fitted, str]:
    """The written post for the first of the names in `channel` that has one, else the made one; with the release field
    that its words come from.
    """
    for name in channel:
        if name in text.social:
            own = written(text.social[name], link=link, tags=tags, ways=ways)
            return replace(own, segments=opened(own.segments, template.opening)), f"social.{name}"
    return made(text, link=link, tags=tags, template=template, fits=fits), "headline"
