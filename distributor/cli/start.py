"""The program's entry: quiet on Ctrl-C from the first moment to the last, also while modules load."""

import signal
import sys


def main() -> None:
    """Run the command line of this process and exit with its code (the table in docs/operating.md)."""
    # Until the command line can turn Ctrl-C into exit code 130, the system ends the process by it.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    from distributor.cli.main import main as run

    code = 130
    try:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        run()
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 0
    except KeyboardInterrupt:
        pass
    finally:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # the interpreter's own end takes a while, too
    sys.exit(code)
