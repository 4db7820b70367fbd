"""`--smallest`: every benchmark at a size that only shows that it still runs, as `.ci/run` does. Its figures mean nothing."""

import sys
from typing import TypeVar

T = TypeVar("T")
SMALLEST = "--smallest" in sys.argv
if SMALLEST:
    sys.argv.remove("--smallest")


def pick(usual: T, smallest: T) -> T:
    """The usual size, or the smallest where the command line asks for that."""
    return smallest if SMALLEST else usual
