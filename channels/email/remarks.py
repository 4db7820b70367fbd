"""What a person should know about a mail before it is sealed."""

import re
from collections.abc import Iterator

from distributor.contract import Message, Severity
from distributor.plain import counted

from . import clients

_LONG_SUBJECT = 150
_MANY = 20  #: recipients, above which a mail without a way out is a nuisance
_BARE_IMAGE = re.compile(r'<img\b(?![^>]*\balt="[^"]+)')


def remarks(message: Message) -> Iterator[tuple[Severity, str, str, str | None]]:
    """What mail programs cut off, and what people complain about: severity, code, sentence, field."""
    names = {name for name, _ in message.headers}
    if message.meta.get("lists"):
        yield Severity.note, "audience", message.meta["audience"], None
    if not message.recipients:
        yield Severity.error, "recipients-missing", "nobody to send to: add addresses to 'to'", "to"
    if _BARE_IMAGE.search(message.html):
        yield Severity.error, "image-alt-missing", "an image has no alt text: say what it shows", "media"
    if len(message.title) > _LONG_SUBJECT:
        length = f"the subject has {len(message.title)} characters; mail programs show fewer than {_LONG_SUBJECT}"
        yield Severity.warning, "subject-long", length, "headline"
    for count in message.counts:
        if count.over:
            clipped = f"{count.used} {count.unit}; Gmail hides what comes after {count.limit}: shorten the body"
            yield Severity.warning, "html-clipped", clipped, "body"
    if "Reply-To" not in names:
        text = "no press contact with an e-mail address: answers go to the sender"
        yield Severity.warning, "reply-to-missing", text, "contacts"
    if len(message.recipients) > _MANY and "List-Unsubscribe" not in names:
        text = f"{counted(len(message.recipients), 'recipient')} and no way to unsubscribe: set 'unsubscribe' to an address"
        yield Severity.warning, "unsubscribe-missing", text, "unsubscribe"
    for recipient in message.recipients:
        if not recipient.address.isascii():
            text = f"{recipient.address} can be reached only if every server on the way supports SMTPUTF8"
            yield Severity.note, "address-utf8", text, "to"
    for severity, code, text in clients.remarks(message.html):
        yield severity, code, text, None
