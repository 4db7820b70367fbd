"""What the social channels share: a fitted post's live parts, and remarks as findings."""

from collections.abc import Iterable, Iterator

from distributor.contract import Entity, Finding, Severity
from distributor.text.fit import Fitted
from distributor.text.remarks import Remark
from distributor.text.segments import spans


def entities(fitted: Fitted) -> tuple[Entity, ...]:
    """The links and hashtags of the post, where they stand in the reader's text."""
    return tuple(Entity(start=s.start, end=s.end, kind=s.kind, target=s.target) for s in spans(fitted.segments))


def findings(remarks: Iterable[Remark], channel: str) -> Iterator[Finding]:
    """The text engine's remarks in the words of the contract."""
    for remark in remarks:
        yield Finding(
            severity=Severity(remark.severity),
            code=remark.code,
            text=remark.text,
            field=remark.field,
            channel=channel,
        )
