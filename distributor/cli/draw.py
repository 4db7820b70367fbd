"""Drawing for a terminal: tables, findings, times with their zones."""

import os
import sys
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from rich.cells import cell_len
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from distributor import embargo
from distributor.message import Finding, Severity
from distributor.plain import one_line, visible

_STYLE = {Severity.error: "bold red", Severity.warning: "yellow", Severity.note: "dim"}
#: Columns of a rule in a file or a pipe.
_RULE = 100
#: As wide as any line gets: nothing is wrapped in a file or a pipe, so that each line can be searched for.
_UNWRAPPED = 100_000


class Screen(Console):
    """A console that guesses no links or numbers and prints no control characters of others.

    At a terminal text is wrapped. In a file or a pipe a finding or a row of a table is one line, whatever its length;
    the environment variable COLUMNS gives tables another width there, too.
    """

    def __init__(self) -> None:
        """The width is the terminal's."""
        self.piped = not sys.stdout.isatty()
        width = _UNWRAPPED if self.piped and not os.environ.get("COLUMNS", "").isdecimal() else None
        super().__init__(width=width, highlight=False, soft_wrap=False, emoji=False)

    def print(self, *objects: Any, **options: Any) -> None:
        """Print as rich does; a table in a pipe has no blanks at its lines' ends."""
        shown = [visible(one) if isinstance(one, str) else one for one in objects]
        if not (self.piped and any(isinstance(one, Table) for one in shown)):
            super().print(*shown, **options)
            return
        with self.capture() as drawn:
            super().print(*shown, **options)
        self.file.write("".join(f"{line.rstrip()}\n" for line in drawn.get().splitlines()))

    def rule(self, title: Any = "", **options: Any) -> None:
        """Draw a rule, in a pipe of at most 100 columns."""
        if self.width <= _RULE or not self.piped:
            super().rule(title, **options)
            return
        shown = self.render_str(visible(str(title)))
        super().print(shown, "─" * max(0, _RULE - 1 - cell_len(shown.plain)), soft_wrap=True)


class Grid(Table):
    """A table without boxes, whose cells print no control characters of others."""

    def add_row(self, *cells: Any, **options: Any) -> None:
        """Add a row; text of several lines is one."""
        super().add_row(*(one_line(cell) if isinstance(cell, str) else cell for cell in cells), **options)


def console() -> Screen:
    """What a command draws on."""
    return Screen()


def plain(text: str) -> str:
    """Text of a release, safe from rich's own markup."""
    return escape(text)


def table(*columns: str) -> Table:
    """A table without boxes."""
    made = Grid(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for column in columns:
        made.add_column(column, overflow="fold", no_wrap=column != columns[-1])
    return made


def findings(out: Console, found: Iterable[Finding], indent: str = "") -> None:
    """One line a finding."""
    for one in found:
        where = f"{one.field}: " if one.field else ""
        style = _STYLE[one.severity]
        words = plain(one_line(where + one.text))
        # One line each in a pipe, even where COLUMNS is set: who searches for a code finds its sentence.
        piped = isinstance(out, Screen) and out.piped
        out.print(f"{indent}[{style}]{one.severity:<8}[/] {words} [dim]{one.code}[/]", soft_wrap=piped)


def when(moment: datetime, zone: str) -> str:
    """A time in its zone and in UTC."""
    return embargo.spell(moment, zone)


def shortened(text: str, root: Path | None) -> str:
    """A path inside the site without the site's own."""
    return text if root is None else text.replace(f"{root}{os.sep}", "")


def place(text: str, root: Path | None) -> str:
    """A destination as a person knows it, safe from rich's markup."""
    return plain(shortened(text, root))


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
