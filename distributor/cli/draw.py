"""Drawing for a terminal: tables, findings, times with their zones."""

import os
import sys
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from distributor import embargo
from distributor.message import Finding, Severity

_STYLE = {Severity.error: "bold red", Severity.warning: "yellow", Severity.note: "dim"}
#: Width of output that goes into a file or a pipe.
PIPE_WIDTH = 100


def console() -> Console:
    """A console that keeps to 100 columns in a pipe and never guesses links or numbers."""
    width = None if sys.stdout.isatty() else PIPE_WIDTH
    return Console(width=width, highlight=False, soft_wrap=False, emoji=False)


def plain(text: str) -> str:
    """Text of a release, safe from rich's own markup."""
    return escape(text)


def table(*columns: str) -> Table:
    """A table without boxes."""
    made = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for column in columns:
        made.add_column(column, overflow="fold", no_wrap=column != columns[-1])
    return made


def findings(out: Console, found: Iterable[Finding], indent: str = "") -> None:
    """One line a finding."""
    for one in found:
        where = f"{one.field}: " if one.field else ""
        style = _STYLE[one.severity]
        out.print(f"{indent}[{style}]{one.severity:<8}[/] {plain(where + one.text)} [dim]{one.code}[/]")


def when(moment: datetime, zone: str) -> str:
    """A time in its zone and in UTC."""
    return embargo.spell(moment, zone)


def place(text: str, root: Path | None) -> str:
    """A destination as a person knows it: a path inside the site without the site's own."""
    if root is not None and text.startswith(f"{root}{os.sep}"):
        text = text.removeprefix(f"{root}{os.sep}")
    return plain(text)


def lag(length: timedelta | None) -> str:
    """`+12 ms`, `+3.4 s`, `+25 min`."""
    if length is None:
        return ""
    ms = length.total_seconds() * 1000
    if abs(ms) < 1000:
        return f"{ms:+.0f} ms"
    return f"{ms / 1000:+.1f} s" if abs(ms) < 120_000 else f"{ms / 60_000:+.0f} min"


def first_lines(text: str, number: int) -> tuple[list[str], int]:
    """The first `number` lines, and how many more there are."""
    lines = text.rstrip("\n").split("\n")
    return lines[:number], max(0, len(lines) - number)
