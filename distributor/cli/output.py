"""Everything that a command prints: plain text, bytes, JSON. The only place of the command line that writes to stdout.

What a server or a file said is printed without control characters: no terminal is steered by it (CWE-150), no line is
forged (CWE-117).
"""

import codecs
import contextlib
import errno
import json
import os
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TextIO, cast

from distributor.errors import DistributorError
from distributor.plain import visible

#: Of every JSON object that a command prints; a field that leaves or changes its meaning raises it.
SCHEMA = 1
#: Exit code of a command that did its work and could not write its answer (a full disk).
NOT_WRITTEN = 3

_TYPED = {
    "–": "-", "—": "-", "−": "-", "─": "-", "·": "-", "…": "...", "×": "x", "→": "->", "█": "#", "•": "*",
    "‘": "'", "’": "'", "“": '"', "”": '"', "\u00a0": " ", "\u202f": " ",
}  # fmt: skip


@dataclass
class Guarded:
    """A standard stream that never raises. When nobody reads it any more, or its disk is full, the command still ends its
    work; `lost` says why the rest was not written.
    """

    stream: TextIO
    lost: OSError | None = field(default=None, init=False)

    def write(self, text: str) -> int:
        """Write text; what the terminal's encoding lacks is spelled in ASCII."""
        with self._held():
            self.stream.write(text)
        return len(text)

    def data(self, data: bytes) -> None:
        """Write bytes as they are."""
        with self._held():
            self.stream.flush()
            buffer = getattr(self.stream, "buffer", None)
            if buffer is None:  # a stream of text alone, as programs that embed this one may set
                self.stream.write(data.decode("utf-8", "backslashreplace"))
            else:
                buffer.write(data)
                buffer.flush()

    def flush(self) -> None:
        """Write what is buffered."""
        with self._held():
            self.stream.flush()

    @property
    def full(self) -> bool:
        """Whether something is missing that somebody wanted to read."""
        return self.lost is not None and self.lost.errno not in (errno.EPIPE, errno.EBADF, errno.EIO)

    def __getattr__(self, name: str) -> Any:
        """Everything else is the stream's own."""
        return getattr(self.stream, name)

    @contextlib.contextmanager
    def _held(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            self.lost = self.lost or error
            # What is buffered goes nowhere, else the interpreter complains of it at its end.
            with contextlib.suppress(OSError, ValueError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), self.stream.fileno())


@contextlib.contextmanager
def guarded() -> Iterator[tuple[Guarded, Guarded]]:
    """Guard stdout and stderr while a command runs."""
    codecs.register_error("distributor.typed", _typed)
    before = sys.stdout, sys.stderr
    both = Guarded(_stream(sys.stdout)), Guarded(_stream(sys.stderr))
    sys.stdout, sys.stderr = cast("tuple[TextIO, TextIO]", both)
    try:
        yield both
    finally:
        for one in both:
            one.flush()
        sys.stdout, sys.stderr = before


def say(text: str = "", *, err: bool = False) -> None:
    """Print one or more lines; control characters are spelled out."""
    print(visible(text), file=sys.stderr if err else sys.stdout)  # the one print of the program


def data(content: bytes) -> None:
    """Print bytes of a document (CSV, a feed): UTF-8, whatever the terminal's encoding is."""
    if isinstance(sys.stdout, Guarded):
        sys.stdout.data(content)
    else:
        sys.stdout.write(content.decode())


def document(value: Any) -> None:
    """Print one JSON document. Objects carry the number of their schema, lists cannot."""
    shown = {"schema": SCHEMA, **value} if isinstance(value, dict) else value
    print(spelled(shown, indent=2))


def spelled(value: Any, *, indent: int | None = None) -> str:
    """JSON that steers no terminal and fits its encoding. Instants are ISO 8601 in UTC, bytes are in hex."""
    narrow = codecs.lookup(getattr(sys.stdout, "encoding", None) or "utf-8").name != "utf-8"
    text = json.dumps(value, ensure_ascii=narrow, indent=indent, default=_default)
    # json escapes C0; what else is no character of a text can only stand inside a string, where \u is the same.
    return visible(text, escape=lambda found: f"\\u{ord(found):04x}")


def failure(error: DistributorError | Exception, *, kind: str, exit_code: int) -> None:
    """Print an error as JSON: `{"schema": 1, "error": {"kind", "message", "exit_code", "problems": […]}}`."""
    problems: Iterable[Any] = getattr(error, "problems", ())
    listed = [{"text": one.text, "file": one.file, "line": one.line, "field": one.field} for one in problems]
    told = getattr(error, "format_message", None)  # click names what is missing only there
    message = str(error) if listed or told is None else told()
    listed = listed or [{"text": message, "file": None, "line": None, "field": None}]
    document({"error": {"kind": kind, "message": message, "exit_code": exit_code, "problems": listed}})


def _default(value: object) -> str:
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value).hex()
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _stream(stream: TextIO | None) -> TextIO:
    """The stream with our spelling of what its encoding lacks; a sink where it was closed (`>&-`)."""
    if stream is None:
        return open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123  lives as long as the process
    if hasattr(stream, "reconfigure"):
        stream.reconfigure(errors="distributor.typed")
    return stream


def _typed(error: UnicodeError) -> tuple[str, int]:
    r"""Spell what the encoding lacks in ASCII: `-` for a dash, `\u2713` for what has no such form."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    bad = error.object[error.start : error.end]
    return "".join(_TYPED.get(one) or one.encode("ascii", "backslashreplace").decode() for one in bad), error.end
