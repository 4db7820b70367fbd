"""distributor: one canonical press release, previewed, sealed and sent on every channel at its embargo instant."""

__version__: str


def __getattr__(name: str) -> str:
    """`__version__`, read when somebody asks: looking it up takes longer than starting Python."""
    if name != "__version__":
        raise AttributeError(name)
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("press-distributor")
    except PackageNotFoundError:  # run from a checkout that was never installed
        return "0+checkout"
