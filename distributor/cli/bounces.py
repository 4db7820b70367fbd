"""`bounces`: what came back by mail, and who is written to no more because of it."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict

import click

from distributor import registry
from distributor.bounces import Fate, Mail, Taken, Taker, open_source, read
from distributor.cli import as_json, output
from distributor.cli.main import Setting, json_option
from distributor.errors import ActionError
from distributor.plain import counted
from distributor.presslist import Suppressions
from distributor.settings import Secret

#: How each is called in the sum, one and many.
_CALLED = {
    Fate.hard: ("hard", "hard"),
    Fate.complaint: ("complaint", "complaints"),
    Fate.unsubscribe: ("unsubscribed", "unsubscribed"),
    Fate.soft: ("soft", "soft"),
    Fate.automatic: ("automatic answer", "automatic answers"),
    Fate.other: ("other", "others"),
    Fate.unknown: ("unknown", "unknown"),
    Fate.unreadable: ("unreadable", "unreadable"),
}


@click.command("bounces")
@click.argument("source")
@click.option("--password-env", metavar="NAME", help="The environment variable with the IMAP password.")
@click.option("--password-file", metavar="PATH", help="The file with the IMAP password.")
@click.option("--dry-run", is_flag=True, help="Only say what would be done; every mail stays unread.")
@json_option
@click.pass_obj
def bounces_command(
    setting: Setting, source: str, password_env: str | None, password_file: str | None, *, dry_run: bool, json_: bool
) -> None:
    """Read the unread mails of SOURCE: a Maildir, an mbox file, or imaps://user@host/FOLDER. Who is gone, complained or asks to
    leave is suppressed; full mailboxes, policy, warnings and holiday notices change nothing.
    """
    if password_env and password_file:
        raise ActionError("the password comes from --password-env or from --password-file, not from both")
    password = Secret(env=password_env, file=password_file) if password_env or password_file else None
    desk = setting.desk()
    desk.site.need_root()
    # Also what is switched off: its mails still come back.
    channels = registry.build(desk.site, desk.settings, desk.places, tuple(desk.settings.channels))
    suppressions = Suppressions.of(desk.places.contacts)
    found: list[Taken] = []
    with desk.ledger() as ledger, open_source(source, password) as box:
        taker = Taker(channels=tuple(channels.values()), ledger=ledger, suppressions=suppressions, write=not dry_run)
        for mail in box.mails():
            one = _handle(taker, mail, setting)
            found.append(one)
            if not json_:
                output.say(_line(one))
            if not (dry_run or mail.trouble):
                box.done(mail)
    if json_:
        as_json.show({"mails": [asdict(one) for one in found], "sum": Counter(str(one.fate) for one in found)})
    else:
        output.say(_sum(found, dry_run=dry_run))


def _handle(taker: Taker, mail: Mail, setting: Setting) -> Taken:
    if mail.trouble:
        return Taken(fate=Fate.unreadable, text=mail.trouble)
    return taker.take(read(mail.raw), mail.mark, now=setting.clock.now())


def _line(one: Taken) -> str:
    words = (_CALLED[one.fate][0], one.address or "-", one.release or "-", one.code or "-", one.text)
    return "  ".join(words).rstrip()


def _sum(found: Iterable[Taken], *, dry_run: bool) -> str:
    counts, new = Counter[Fate](), Counter[Fate]()
    for one in found:
        counts[one.fate] += 1
        new[one.fate] += one.suppressed
    words = []
    for fate, (single, many) in _CALLED.items():
        if number := counts[fate]:
            would = "would be suppressed" if dry_run else "suppressed"
            listed = f" ({new[fate]} {would})" if fate in (Fate.hard, Fate.complaint, Fate.unsubscribe) else ""
            words.append(f"{number} {single if number == 1 else many}{listed}")
    total = counts.total()
    return counted(total, "mail") + (f": {', '.join(words)}" if words else "")
