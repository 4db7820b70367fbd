"""distributor: one canonical press release, previewed, sealed and sent on every channel at its embargo instant."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("press-distributor")
except PackageNotFoundError:  # run from a checkout that was never installed
    __version__ = "0+checkout"
