"""What comes back by mail: read it from a mailbox, judge it, and write to nobody again whom it rightly names."""

from distributor.bounces.opening import open_source
from distributor.bounces.sources import Mail, Source
from distributor.bounces.take import Fate, Taken, Taker
from distributor.bounces.verdict import Kind, Verdict, read

__all__ = ["Fate", "Kind", "Mail", "Source", "Taken", "Taker", "Verdict", "open_source", "read"]
