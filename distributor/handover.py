"""The moment before bytes leave: a channel tells it, the outbox writes it down."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar

Tell = Callable[[], None]


def _nobody() -> None:
    return


_TELL: ContextVar[Tell] = ContextVar("tell", default=_nobody)


def about_to_write() -> None:
    """Say that bytes which may count as a delivery leave next. Call it right before the write; it raises nothing."""
    _TELL.get()()


def teller() -> Tell:
    """Return `about_to_write` of this delivery, for code that writes in a callback of its own."""
    return _TELL.get()


@contextmanager
def telling(tell: Tell) -> Iterator[None]:
    """Have `tell` called whenever the code inside says that it is about to write."""
    token = _TELL.set(tell)
    try:
        yield
    finally:
        _TELL.reset(token)


def asking() -> AbstractContextManager[None]:
    """Say nothing inside: what is sent there only asks."""
    return telling(_nobody)
