"""`distributor`: the entry point, its global options, and how errors reach a person."""

import difflib
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from distributor.cli import output
from distributor.clock import Clock, SystemClock
from distributor.errors import DistributorError

if TYPE_CHECKING:
    from distributor.desk import Desk

#: Exit code after Ctrl-C, or a no where a command asked.
STOPPED = 130

#: Command → (module, help order). Modules are imported when their command is called: start-up stays short.
_COMMANDS = {
    "init": "setup",
    "import": "write",
    "check": "write",
    "preview": "write",
    "approve": "approve",
    "schedule": "actions",
    "run": "run",
    "status": "status",
    "hold": "actions",
    "resume": "actions",
    "reschedule": "actions",
    "settle": "actions",
    "retry": "actions",
    "confirm": "confirm",
    "replace": "replace",
    "cancel": "actions",
    "kill": "actions",
    "restored": "restored",
    "backup": "backup",
    "restore": "backup",
    "verify": "actions",
    "report": "report",
    "send-test": "report",
    "contacts": "contacts",
    "bounces": "bounces",
    "connect": "connect",
    "doctor": "setup",
    "desk": "desk_",
    "serve": "serve",
    "feed": "feeds",
    "publish": "feeds",
    "demo": "demo",
}
_SHORT = {
    "init": "Make a site: a folder with its config and a sample release.",
    "import": "Turn pasted plain text into a release file.",
    "check": "Read a release and say what is wrong with it.",
    "preview": "Show exactly what each channel will send.",
    "approve": "Say that exactly these bytes may go out.",
    "schedule": "Seal what was previewed and plan its deliveries.",
    "run": "Deliver at the embargo instants, and keep running.",
    "status": "Show every delivery, and whether all is well.",
    "hold": "Stop what is not out yet, until resume.",
    "resume": "Let go what was held, missed or failed.",
    "reschedule": "Move what is not out yet to another instant, and seal it anew.",
    "settle": "Say what became of a delivery that is in doubt.",
    "retry": "Try again what failed, was refused or missed.",
    "confirm": "Agree to a channel's new destination, without sealing anew.",
    "replace": "Put the edited text in the place of the scheduled one.",
    "cancel": "Cancel what is not out yet.",
    "kill": "Withdraw a release for good, also what is out.",
    "backup": "Write the whole site into one file, while it runs.",
    "restore": "Make a site out of such a file, on hold until you looked.",
    "restored": "Say whether what was due since a backup is out.",
    "verify": "Prove that what was sent is what was previewed.",
    "contacts": "Press lists, and who must not be written to any more.",
    "bounces": "Read what came back, and write to nobody again whom it names.",
    "connect": "Let a network's account in, once, in the browser.",
    "report": "Who got what and when, as CSV.",
    "send-test": "One mail of a release to yourself, now.",
    "doctor": "Say which channels are live, local, or miss something.",
    "desk": "The web desk: write, preview, approve, schedule, watch.",
    "serve": "Show the public folder on this machine.",
    "feed": "Print the feed as it is, was, or will be with a release.",
    "publish": "Write the public folder anew from what is released.",
    "demo": "Watch one release go through the whole tool.",
}


class _Commands(click.Group):
    """Loads a command when it is called, and offers the nearest name for one that does not exist."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  click's signature
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in _COMMANDS:
            return None
        import importlib

        module = importlib.import_module(f"distributor.cli.{_COMMANDS[cmd_name]}")
        found: click.Command = getattr(module, f"{cmd_name.replace('-', '_')}_command")
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl(list(_SHORT.items()))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in _COMMANDS and not args[0].startswith("-"):
            close = difflib.get_close_matches(args[0], _COMMANDS, n=1)
            hint = f" Did you mean '{close[0]}'?" if close else " 'distributor --help' lists them."
            ctx.fail(f"There is no command '{args[0]}'.{hint}")
        return super().resolve_command(ctx, args)


class Setting:
    """What the global options say; opens the desk when a command needs it."""

    def __init__(self, clock: Clock) -> None:
        """`clock` tells every command the time."""
        self.clock = clock
        self.site_name: str | None = None

    def desk(self, only: Sequence[str] = (), break_embargo: str | None = None) -> "Desk":
        """The desk of the site that the person means; `break_embargo`: why something goes out before its embargo."""
        from distributor import desk, site
        from distributor.errors import ActionError

        if break_embargo is not None and not break_embargo.split():
            raise ActionError("--break-embargo: say why; the reason stands in the history, the report and the proof")
        reason = " ".join((break_embargo or "").split())

        return desk.Desk(
            site=site.find(self.site_name, cwd=Path.cwd()), clock=self.clock, only=tuple(only), break_embargo=reason
        )

    def brake(self, store: str | None) -> "Desk":
        """The same in an emergency: a config that does not read stops nothing, and stderr says what is used instead."""
        from distributor import desk, site

        found = site.find(self.site_name, cwd=Path.cwd(), emergency=True)
        made = desk.Desk(site=found, clock=self.clock, emergency=True, store=store or "")
        made.settings  # noqa: B018  reads the config
        if made.problem:
            output.say(f"warning: the config cannot be read: {made.problem}\nwarning: {made.used}", err=True)
        return made


#: Of commands that have to work when the config does not read.
store_option = click.option(
    "--store", metavar="ADDRESS", help="The ledger, where the config does not lead to it: a SQLite file or an address."
)


def listed(groups: Sequence[str]) -> list[str]:
    """The names of an option that takes `a,b` and may be given several times; UsageError where it is given without one."""
    names = [name.strip() for group in groups for name in group.split(",") if name.strip()]
    if groups and not names:
        raise click.UsageError("an option that takes names is empty; name at least one, or leave the option out")
    return names


#: For every command that changes something or answers with facts: the same as JSON, and errors as JSON, too.
json_option = click.option("--json", "json_", is_flag=True, help="Print as JSON; errors, too.")
#: For every command that says when something goes out.
break_option = click.option(
    "--break-embargo", metavar="REASON", help="Let it out before its embargo, for this reason, which is kept and shown."
)


def _version(ctx: click.Context, _option: click.Parameter, asked: bool) -> None:  # noqa: FBT001  click's signature
    if asked:
        from distributor import __version__  # reading it takes as long as starting Python

        output.say(f"distributor, version {__version__}")
        ctx.exit()


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--site", "site_name", metavar="FOLDER", help="The site to work on (default: here, or DISTRIBUTOR_SITE).")
@click.option("--version", is_flag=True, is_eager=True, expose_value=False, callback=_version, help="Show the version.")
@click.pass_obj
def cli(setting: Setting, site_name: str | None) -> None:
    """Write one release; preview, seal and send it on every channel at its embargo.

    \b
    Exit codes: 0 all is well · 1 it was done and the answer is bad (a check, verify or status) ·
    2 a mistake in what was given; nothing was written · 3 it was done and its answer could not
    be written (a full disk) · 130 stopped by Ctrl-C or by a no.
    With --json an error is a JSON document, too.
    """  # noqa: D301  click needs the real backspace character
    setting.site_name = site_name


def main(args: Sequence[str] | None = None, clock: Clock | None = None) -> None:
    """Run one command and exit with its code; errors that a person can mend are told without a traceback.

    After `--json` an error is a JSON document on stdout, too.
    """
    given = list(sys.argv[1:] if args is None else args)
    with output.guarded() as (out, _):
        code = _answer(given, Setting(clock or SystemClock()), as_json="--json" in given)
        out.flush()
        if out.full:
            output.say(
                f"error: the answer could not be written: {_reason(out.lost)}; what was asked for is done", err=True
            )
            code = code or output.NOT_WRITTEN
    sys.exit(code)


def _answer(args: Sequence[str], setting: Setting, *, as_json: bool) -> int:
    """Run the command that the arguments name; returns the exit code."""
    try:
        code = cli.main(args=args, prog_name="distributor", obj=setting, standalone_mode=False)
    except click.ClickException as error:
        return _told(error, [error.format_message()], "usage", error.exit_code, as_json=as_json)
    except (click.Abort, KeyboardInterrupt):
        return STOPPED
    except DistributorError as error:
        kind = type(error).__name__.removesuffix("Error").lower()
        return _told(error, [str(problem) for problem in error.problems], kind, error.exit_code, as_json=as_json)
    except OSError as error:  # a folder that may not be read, a disk that is full
        place = f"{error.filename}: " if error.filename else ""
        words = f"{place}{_reason(error)}"
        return _told(DistributorError(words), [words], "system", 2, as_json=as_json)
    return code if isinstance(code, int) else 0


def _told(error: Exception, lines: Sequence[str], kind: str, code: int, *, as_json: bool) -> int:
    if as_json:
        output.failure(error, kind=kind, exit_code=code)
        return code
    if isinstance(error, click.UsageError) and error.ctx:
        output.say(error.ctx.get_usage(), err=True)
    for line in lines:
        output.say(f"error: {line}", err=True)
    return code


def _reason(error: OSError | None) -> str:
    return error.strerror or str(error) if error else ""
