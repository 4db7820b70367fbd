"""A correction at its instant: what is up decides, not what was planned."""

from distributor.contract import Channel, InDoubt, Message, Receipt, Recipient, Unavailable
from distributor.standing import Up


def left_alone(message: Message, up: Up | None) -> Receipt | None:
    """Return the receipt of the post that stays as it is; None where this one has to be sent.

    Raises InDoubt where nobody knows whether the post that should stay is there.
    """
    how, compared = message.meta.get("correction"), message.meta.get("compared")
    if up is None or how not in ("unchanged", "nothing"):
        return None
    if how == "unchanged" and str(up.version) != compared:
        return None  # what it was compared with did not come out
    stands = message.meta.get("stays") or message.meta.get("stands")
    if up.is_doubtful and how == "unchanged":
        raise InDoubt(f"version {stands} may be up with the same words: look whether it is there")
    why = "its words did not change" if how == "unchanged" else "the config lets corrections be (on_correction)"
    return Receipt(id=up.receipt.id, url=up.receipt.url, detail=f"version {stands} stays up: {why}")


async def make_room(channel: Channel, message: Message, recipient: Recipient, up: Up | None) -> None:
    """Delete the earlier post where this one takes its place; one that is gone already is no error.

    Raises DeliveryError; a lost answer is Unavailable, since deleting again does no harm and nothing was posted yet.
    """
    if up is None or up.made_by is None or message.meta.get("correction") != "repost":
        return
    old, receipt, key = up.made_by
    try:
        await channel.withdraw(old, recipient, f"{key}-kill", receipt)
    except InDoubt as error:
        raise Unavailable(error.reason) from None
