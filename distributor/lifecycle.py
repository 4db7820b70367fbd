"""Status and time as pure functions of (what is stored, now)."""

from datetime import datetime, timedelta
from enum import IntEnum, StrEnum


class PubStatus(StrEnum):
    """Whether what was issued may be used (IPTC pubStatus)."""

    usable = "usable"
    withheld = "withheld"  #: on hold: do not use until told
    canceled = "canceled"  #: withdrawn: never use


class State(StrEnum):
    """Where one delivery stands."""

    planned = "planned"
    sending = "sending"  #: the attempt is written down, its outcome is not
    delivered = "delivered"
    retrying = "retrying"
    refused = "refused"
    failed = "failed"
    in_doubt = "in_doubt"
    held = "held"
    missed = "missed"
    canceled = "canceled"


#: The kind of a delivery that takes back what an earlier one brought.
KILL = "kill"
#: The kind of a delivery of a later version.
CORRECTION = "correction"
WAITING = (State.planned, State.retrying)
#: States that end only when a person acts.
NEEDS_PERSON = (State.in_doubt, State.refused, State.failed, State.missed)
#: What a person lets go again.
STOPPED = (State.held, State.missed, State.failed)
#: What a person may have tried again at once, delivery by delivery.
RETRIABLE = (State.retrying, State.failed, State.refused, State.missed)
#: A process whose last sign of life is older than this is taken for dead, and what it had on the wire is taken back.
LEASE = timedelta(seconds=5)


class Priority(IntEnum):
    """Which lane a delivery travels in: within a channel, the smaller goes first whatever waits behind it."""

    public = 0  #: feed and newsroom: what everything else points at
    wire = 1
    press = 2  #: the press list, posts
    bulk = 3  #: long lists: a mail-out of a million never delays the press list
    echo = 4  #: what tells of the public lane or copies it: goes when nothing of its version is under way there


#: A message to more recipients than this travels in the bulk lane.
BULK = 500


class Late(StrEnum):
    """What to do with a delivery that is due."""

    on_time = "on_time"
    send_late = "send_late"
    missed = "missed"


def lateness(
    now: datetime,
    due: datetime,
    *,
    catch_up_within: timedelta,
    send_however_late: bool = False,
    partly_out: bool = False,
    retry: bool = False,
) -> Late:
    """Whether a due delivery still goes out.

    Within `catch_up_within` it is sent and marked late. After that it is missed, except where partial would be worse
    than late: the release is out on some channel, it is a retry of our own, the channel always publishes or the
    release says so.
    """
    late_by = now - due
    if late_by <= timedelta(seconds=2):
        return Late.on_time
    if late_by <= catch_up_within or send_however_late or partly_out or retry:
        return Late.send_late
    return Late.missed
