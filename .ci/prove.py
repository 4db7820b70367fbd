"""Run the long proofs one after another, and write what they found into docs/proofs.md.

A proof that is done for this commit is not run again: stopped by Ctrl-C or a restart, `make prove`
goes on where it was. `--again` begins anew; names choose some of the proofs.
"""

import argparse
import datetime as dt
import json
import re
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
STATE = ROOT / ".proofs.json"
PAGE = ROOT / "docs" / "proofs.md"
#: Name, what it shows, and the tests.
PROOFS = {
    "kills": ("Killed at random moments, nothing is early, lost or repeated", ["tests/test_outbox.py"]),
    "torture": ("Processes killed, frozen and cut off, on both stores", ["tests/test_torture.py"]),
    "mail": ("Mail runs killed between attempt and receipt", ["tests/test_email_killed.py"]),
    "model": ("The ledger against a model of it", ["tests/test_ledger_model.py"]),
    "ledger": ("Every action of the ledger, on PostgreSQL too", ["tests/test_ledger.py", "tests/test_kill.py"]),
}
HEAD = """# Proofs

What takes too long for `.ci/run`: `make prove` runs it, goes on where it was stopped, and writes this page.
Every figure was measured by it, on the day and the commit beside it.

| proof | what it shows | result | seconds | Python | day | commit |
|---|---|---|---|---|---|---|
"""


def commit() -> str:
    """The commit that is checked out, short."""
    asked = ["git", "rev-parse", "--short=10", "HEAD"]
    return subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()


def run(name: str) -> dict[str, str]:
    """Run one proof. The result is pytest's own last line."""
    began = time.monotonic()
    command = [sys.executable, "-m", "pytest", "-m", "slow", "-n", "2", "-p", "no:cacheprovider", *PROOFS[name][1]]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    lines = done.stdout.strip().splitlines() or ["pytest said nothing"]
    if done.returncode:
        print(done.stdout[-4000:])
    return {
        "result": re.sub(r" in [\d.]+s.*", "", lines[-1]).strip(" ="),
        "seconds": f"{time.monotonic() - began:.0f}",
        "python": sys.version.split()[0],
        "day": dt.datetime.now(dt.UTC).date().isoformat(),
        "commit": commit(),
        "good": "yes" if done.returncode == 0 else "",
    }


def page(known: dict[str, dict[str, str]]) -> str:
    """The page with the last figures of every proof that has run."""
    rows = []
    for name, (shows, _) in PROOFS.items():
        if one := known.get(name):
            cells = (one[key] for key in ("result", "seconds", "python", "day", "commit"))
            rows.append(f"| {name} | {shows} | {' | '.join(cells)} |\n")
        else:
            rows.append(f"| {name} | {shows} | not run yet | | | | |\n")
    return HEAD + "".join(rows)


def main() -> int:
    """Run what is not done yet for this commit."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--again", action="store_true", help="also what is done already")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(PROOFS)}")
    asked = parser.parse_args()
    if unknown := set(asked.names) - set(PROOFS):
        parser.error(f"no such proof: {', '.join(sorted(unknown))}")
    known = json.loads(STATE.read_text(encoding="utf-8")) if STATE.exists() else {}
    good = True
    for name in asked.names or PROOFS:
        done = known.get(name, {})
        if done.get("commit") != commit() or not done.get("good") or asked.again:
            print(f"-- {name}: {PROOFS[name][0]}", flush=True)
            done = known[name] = run(name)
            STATE.write_text(json.dumps(known, indent=1), encoding="utf-8")
            PAGE.write_text(page(known), encoding="utf-8")
        print(f"{name:8} {done['result']}, {done['seconds']} s")
        good = good and bool(done["good"])
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
