"""One mail-out by the real commands: a list, sealed by `schedule`, sent by `run` to a sink on loopback. Every mail has 20 KB, a name and an
unsubscribe link of its own; with --dkim an RSA-2048 signature, too.

    python benchmarks/mailout.py [MAILS] [--dkim]
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))
sys.path.insert(0, str(Path(__file__).parent))

from mails import receiver
from sizes import pick

from tests import sites

BLOCK = """
[channels.email]
type = "email"
sender = "Press <press@bench.example>"
lists = ["press"]
smtp = "smtp://127.0.0.1:{port}"
tls = "none"
connections = 16
mail_key = {{ env = "BENCH_KEY" }}
"""
DKIM = 'dkim_selector = "bench"\ndkim_key = {{ file = "{file}" }}\n'
HERE = Path(__file__).parent.parent


def timed(root: Path, *command: str, log: Path | None = None) -> tuple[float, float, float]:
    """Seconds, seconds of processor time, and megabytes at the peak."""
    began = time.perf_counter()
    out = log.open("wb") if log else subprocess.DEVNULL
    process = subprocess.Popen(
        [sys.executable, "-m", "distributor", "--site", str(root), *command],
        cwd=HERE,
        env={**os.environ, "BENCH_KEY": "a secret for the benchmark"},
        stdout=out,
    )
    _, status, used = os.wait4(process.pid, 0)
    assert status == 0, command
    return time.perf_counter() - began, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def lateness(log: Path) -> list[float]:
    """Milliseconds from the instant to the write, of each mail that was accepted."""
    found = [json.loads(line) for line in log.read_text().splitlines() if '"delivery"' in line]
    return sorted(one["lateness_ms"] for one in found if one["state"] == "delivered")


def main() -> None:
    """Print one table."""
    mails = next((int(one) for one in sys.argv[1:] if one.isdigit()), pick(20_000, 20))
    dkim = "--dkim" in sys.argv
    with tempfile.TemporaryDirectory() as folder, receiver(0.0) as port:
        block = BLOCK.format(port=port)
        if dkim:
            file = Path(folder) / "dkim.pem"
            subprocess.run(["openssl", "genrsa", "-out", str(file), "2048"], check=True, capture_output=True)
            block += DKIM.format(file=file)
        root, log = sites.make(Path(folder) / "site", block), Path(folder) / "log"
        (root / "contacts").mkdir()
        lines = "".join(f"r{n}@x{n % 97}.example,Reader {n}\n" for n in range(mails))
        (root / "contacts" / "press.csv").write_text("address,name\n" + lines)
        wait = timedelta(seconds=8 + mails / (1_500 if dkim else 4_000))
        path = sites.release(root, datetime.now(UTC) + wait)
        said = ("The piers reopen after the storm of March. " * 3 + "\n\n") * 60
        path.write_text(path.read_text().replace("The piers reopen.\n", said))
        sealed = timed(root, "schedule", str(path))
        idle = timed(root, "doctor")
        sent = timed(root, "run", "--until-idle", "--log", "json", log=log)
        late = lateness(log)
    assert len(late) == mails
    print(f"{mails:,} mails{', signed' if dkim else ''}, 16 connections, smtp-sink or the Python sink on loopback")
    print(f"sealed    {sealed[0]:>8.1f} s  {mails / sealed[0]:>8,.0f}/s  peak {sealed[2]:>5.0f} MB")
    print(
        f"sent      {(late[-1] - late[0]) / 1000:>8.1f} s  {1000 * mails / (late[-1] - late[0]):>8,.0f}/s  peak {sent[2]:>5.0f} MB  {1e6 * sent[1] / mails:.0f} µs of processor each"
    )
    print(
        f"first mail {late[0]:.0f} ms after the instant, half of them after {late[len(late) // 2] / 1000:.1f} s; `doctor` alone takes {idle[2]:.0f} MB"
    )


if __name__ == "__main__":
    main()
