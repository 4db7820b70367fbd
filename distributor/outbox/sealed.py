"""Sealed messages in memory: read ahead of the instant, so that only the network is left to do then."""

from collections import OrderedDict
from collections.abc import Collection, Mapping

from distributor import seal
from distributor.contract import Message

_MOST_MESSAGES = 2000
_MOST_BYTES = 64_000_000


class Sealed:
    """The messages used last, by their number in the ledger."""

    def __init__(self) -> None:
        """Empty."""
        self._messages: OrderedDict[int, Message | str] = OrderedDict()
        self._bytes = 0

    def missing(self, ids: Collection[int]) -> set[int]:
        """Those of `ids` that have to be read from the ledger."""
        return {number for number in ids if number not in self._messages}

    def take(self, found: Mapping[int, tuple[str, Mapping[str, bytes]]]) -> None:
        """Keep what the ledger gave; what was changed there is kept as the sentence that says so."""
        for number, (body, artefacts) in found.items():
            try:
                self._messages[number] = seal.load(body, artefacts)
            except ValueError as error:
                self._messages[number] = str(error)
            self._bytes += _size(self._messages[number])

    def trim(self, needed: Collection[int]) -> None:
        """Let go of the oldest, never of what is `needed` now."""
        while self._messages and (len(self._messages) > _MOST_MESSAGES or self._bytes > _MOST_BYTES):
            oldest = next((number for number in self._messages if number not in needed), None)
            if oldest is None:
                return
            self._bytes -= _size(self._messages.pop(oldest))

    def get(self, number: int) -> Message | str:
        """The message, or why it cannot be sent."""
        return self._messages.get(number, "the sealed message is not in the ledger")


def _size(message: Message | str) -> int:
    return 0 if isinstance(message, str) else len(message.content) + sum(len(file.data) for file in message.media)
