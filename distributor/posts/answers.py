"""How a network's answer is read: its own sentences first, then the status."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from distributor.contract import DeliveryError, Idempotency, InDoubt, Refused, Throttled, Unauthorized
from distributor.http import Answer, raise_for


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A refusal that the network documents, or that its users have met, in words that help."""

    says: str  #: what stands in its answer, in small letters
    outcome: type[DeliveryError] = Refused
    advice: str = ""  #: what to do
    status: int | None = None  #: only with this status


def judge(
    answer: Answer,
    host: str,
    sentence: str,
    *,
    known: Sequence[Known] = (),
    wait: float | None = None,
    idempotency: Idempotency = Idempotency.A,
) -> None:
    """Raise the outcome of an answer that is no success.

    `sentence` is what the other side said, `wait` how many seconds it asks for. Of a blind network (class D) a status of 500
    and above says nothing about what was written.
    """
    if answer.status < 300:
        return
    text = f"{host} answered {answer.status}{': ' + sentence if sentence else ''}"
    said = sentence.casefold() or answer.body[:2000].decode("utf-8", "replace").casefold()
    for one in known:
        if one.says in said and one.status in (None, answer.status):
            raise one.outcome(f"{text}; {one.advice}" if one.advice else text)
    if answer.status >= 500 and idempotency is Idempotency.D:
        raise InDoubt(text)
    if wait is not None and answer.status in (400, 403, 420, 429, 503):
        now = datetime.now(UTC)
        raise Throttled(text, until=now + min(timedelta(seconds=max(wait, 0)), timedelta(hours=24)))
    if answer.status == 401:
        raise Unauthorized(text)
    raise_for(answer, host, sentence)
