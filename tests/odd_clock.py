"""`distributor` under a wall clock that is wrong, or that is stepped while it runs: the seconds stand in a file.

python -m tests.odd_clock FILE ARGUMENTS…
"""

import sys
from datetime import datetime, timedelta
from pathlib import Path

from distributor.cli.main import main
from distributor.clock import SystemClock


class OddClock(SystemClock):
    """The host's clock and the seconds in a file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def now(self) -> datetime:
        return super().now() + timedelta(seconds=float(self._path.read_text()))


if __name__ == "__main__":
    main(sys.argv[2:], clock=OddClock(Path(sys.argv[1])))
