"""What a running service says: lines for a person, or one JSON object a line for a collector. Never a secret."""

import logging
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from distributor.cli import draw, output
from distributor.cli.progress import Progress
from distributor.clock import Clock
from distributor.errors import DistributorError
from distributor.lifecycle import KILL
from distributor.outbox import Event
from distributor.plain import one_line, visible
from distributor.redact import Redactor


class Log:
    """Where everything that a service says goes."""

    def __init__(self, *, as_json: bool, root: Path | None, redact: Redactor, clock: Clock, progress: Progress) -> None:
        """`root` shortens paths in lines for a person; `progress` sums up long lists, for a person alone."""
        self._json, self._root, self._redact, self._clock = as_json, root, redact, clock
        self._progress = progress
        self._told, self._deaf = "", False

    def events(self, events: Sequence[Event]) -> None:
        """One line per delivery, written at once; for a person, long lists are summed up."""
        if self._json:
            self._write("\n".join(map(self._object, events)))
            return
        shown = [*map(self._line, self._progress.take(events)), *self._progress.lines(self._clock.now())]
        if shown:
            self._write("\n".join(shown))

    def say(self, event: str, words: str, **facts: object) -> None:
        """One thing that happened to the service itself."""
        shown = {"time": self._clock.now().isoformat(), "event": event, "words": words, **facts}
        self._write(output.spelled(shown) if self._json else one_line(words))

    def trouble(self, error: Exception) -> None:
        """A trouble is told once, not at every tick."""
        text = str(error) if isinstance(error, DistributorError) else f"{type(error).__name__}: {error}"
        if text != self._told:
            self._told = text
            self.say("trouble", f"trouble: {text}; trying again every second")

    def well_again(self) -> None:
        """The ledger answers: the next trouble is told even when it is the same."""
        if self._told:
            self._told = ""
            self.say("well_again", "the trouble is over")

    def _line(self, event: Event) -> str:
        """Time, lateness, channel, recipient, state, where or why."""
        row = event.delivery
        stamp = f"{event.at:%H:%M:%S}.{event.at.microsecond // 1000:03} UTC"
        where = one_line(draw.shortened(event.detail, self._root))
        name = f"{row.channel} (kill)" if row.kind == KILL else row.channel
        return f"{stamp}  {draw.lag(event.lateness):>8}  {name:<10} {row.recipient:<34} {event.state:<10} {where}"

    def _object(self, event: Event) -> str:
        row = event.delivery
        late = None if event.lateness is None else round(event.lateness.total_seconds() * 1000, 3)
        facts = {
            "time": event.at.isoformat(),
            "event": "delivery",
            "release": row.release_id,
            "version": row.version,
            "kind": row.kind,
            "channel": row.channel,
            "recipient": row.recipient,
            "state": event.state,
            "outcome": event.outcome,
            "attempt": row.attempts + 1,
            "lateness_ms": late,
            "detail": draw.shortened(event.detail, self._root),
        }
        return output.spelled(facts)

    def _write(self, text: str) -> None:
        if self._deaf:
            return
        try:
            sys.stdout.write(visible(self._redact(text)) + "\n")
            sys.stdout.flush()
        except OSError:  # nobody reads any more, or the disk is full: deliveries matter, words do not
            self._deaf = True

    def libraries(self) -> None:
        """What libraries log goes the same way: warnings and worse, redacted."""
        logging.basicConfig(level=logging.WARNING, handlers=[_Handler(self.say)], force=True)


class _Handler(logging.Handler):
    def __init__(self, say: Callable[..., None]) -> None:
        super().__init__()
        self._say = say

    def emit(self, record: logging.LogRecord) -> None:
        facts: dict[str, Any] = {"logger": record.name, "level": record.levelname.lower()}
        self._say("library", f"{record.name}: {record.getMessage()}", **facts)
