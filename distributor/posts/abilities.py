"""What a network can do, in words for a preview: from the facts that the outbox goes by."""

from distributor.contract import Capabilities, Idempotency

_LOST = {
    Idempotency.A: "a lost answer is repeated with the same key",
    Idempotency.B: "a lost answer is repeated, and a duplicate refused",
    Idempotency.C: "a lost answer is looked up",
    Idempotency.D: "a lost answer is for a person",
}


def sentence(able: Capabilities) -> str:
    """Return what becomes of a lost answer, and what can be done with a post that is out."""
    can = [word for word, does in (("edited", able.edit), ("deleted", able.delete)) if does]
    what = f"it can be {' and '.join(can)}" if can else "it can be neither edited nor deleted"
    return f"{_LOST[able.idempotency]} (class {able.idempotency}); {what}"
