"""What earlier versions of a release have standing on a channel, so that a correction is compared with what is up."""

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass

from distributor import seal
from distributor.contract import Channel, Earlier, Message, Receipt
from distributor.lifecycle import KILL, State
from distributor.posts import Social
from distributor.store import Delivery, Ledger

Posts = Mapping[tuple[str, str], Earlier]  #: by channel and language
#: What may be up, or will be before a correction goes out.
_COUNTS = (State.delivered, State.in_doubt, State.sending, State.planned, State.retrying, State.held)
_IS_UP = (State.delivered, State.in_doubt)


@dataclass(frozen=True, slots=True, kw_only=True)
class Up:
    """A post that an earlier version made, and the version that stands for it."""

    version: int  #: the newest one whose words it shows
    is_doubtful: bool  #: nobody knows whether it arrived
    receipt: Receipt
    made_by: tuple[Message, Receipt, str] | None  #: message, receipt and key of the delivery that posted it


def posts(
    site: Callable[[], AbstractContextManager[Ledger | None]],
    release_id: str,
    version: int,
    channels: Mapping[str, Channel],
) -> Posts:
    """Return what `before` says of the ledger that `site` opens."""
    with site() as ledger:
        return before(ledger, release_id, version, channels)


def before(ledger: Ledger | None, release_id: str, version: int, channels: Mapping[str, Channel]) -> Posts:
    """Return the newest earlier post that counts, by channel and language, of the social ones among `channels`; nothing for a
    first version, or without a ledger.
    """
    posts = {name for name, channel in channels.items() if isinstance(channel, Social)}
    found: dict[tuple[str, str], Earlier] = {}
    if ledger is None or version == 1 or not posts:
        return found
    for row, message in _posts(ledger, release_id, version, lambda row: row.channel in posts, _COUNTS):
        found.setdefault((row.channel, message.lang), Earlier(version=row.version, message=message))
    return found


def up(ledger: Ledger, later: Delivery) -> Up | None:
    """Return what stands at the recipient of `later`; None where no earlier version is up."""

    def here(row: Delivery) -> bool:
        return (row.channel, row.recipient) == (later.channel, later.recipient)

    posts = list(_posts(ledger, later.release_id, later.version, here, _IS_UP))
    if not posts:
        return None
    newest = posts[0][0]
    made = next(((message, row) for row, message in posts if not message.meta.get("stays")), None)
    return Up(
        version=newest.version,
        is_doubtful=newest.state is State.in_doubt,
        receipt=seal.receipt(newest),
        made_by=(made[0], seal.receipt(made[1]), made[1].key) if made else None,
    )


def _posts(
    ledger: Ledger, release_id: str, version: int, of: Callable[[Delivery], bool], states: Collection[State]
) -> Iterator[tuple[Delivery, Message]]:
    """The deliveries of earlier versions with their sealed messages, the newest version first; without those that left
    everything as it was.
    """
    versions = [one for one in ledger.releases(release_id) if one.version < version and not one.killed_at]
    for one in sorted(versions, key=lambda one: one.version, reverse=True):
        rows = [row for row in ledger.deliveries(one.id, one.version) if row.kind != KILL and row.state in states]
        chosen = [row for row in rows if of(row)]
        bodies = ledger.messages({row.message_id for row in chosen})
        for row in chosen:
            try:
                message = seal.load(*bodies[row.message_id])
            except (ValueError, KeyError):  # `verify` tells of a damaged ledger
                continue
            if message.meta.get("correction") != "nothing":
                yield row, message
