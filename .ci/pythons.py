"""Run the default tests on every CPython >= 3.11 of this machine but the one that runs this file.

Each version gets an environment of its own under `.venv-ci/`, kept between runs. A finished release
must pass. A pre-release and a free-threaded build are run and told, and fail nothing: packages may
have no wheel for them. Exit status: 0, or 1 if a finished release failed.
"""

import argparse
import glob
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OLDEST = (3, 11)
#: The versions that a full run names; whichever is not on the machine is told.
WANTED = ((3, 11), (3, 12), (3, 13), (3, 14))
#: Where installers put interpreters: the system, pyenv, uv, conda, asdf and mise.
PLACES = (
    "/usr/bin/python3*",
    "/usr/local/bin/python3*",
    "/opt/*/bin/python3*",
    "~/.pyenv/versions/*/bin/python3*",
    "~/.local/share/uv/python/*/bin/python3*",
    "~/.local/share/mise/installs/python/*/bin/python3*",
    "~/.asdf/installs/python/*/bin/python3*",
    "~/miniconda3/bin/python3*",
    "~/miniforge3/bin/python3*",
)
_ASK = (
    "import json, platform, sys, sysconfig; print(json.dumps([platform.python_implementation(), "
    "list(sys.version_info[:3]), sys.version_info.releaselevel == 'final', sys.base_prefix, "
    "bool(sysconfig.get_config_var('Py_GIL_DISABLED')), platform.python_version()]))"
)


@dataclass(frozen=True, order=True)
class Python:
    """One interpreter."""

    numbers: tuple[int, int, int]
    free_threaded: bool
    name: str  #: `3.13.0`, `3.15.0a2`, `3.14.1t`
    path: str
    final: bool

    @property
    def must_pass(self) -> bool:
        """Whether it is a finished release with its lock."""
        return self.final and not self.free_threaded


def candidates() -> list[str]:
    """The files that may be interpreters: PATH first, then where installers put them."""
    names = [f"python3.{minor}" for minor in range(OLDEST[1], 30)]
    on_path = [shutil.which(name) for name in ("python3", "python", *names)]
    placed = [path for place in PLACES for path in sorted(glob.glob(os.path.expanduser(place)))]
    usual = [path for path in placed if not path.endswith("-config")]
    return [path for path in (*on_path, *usual) if path]


def ask(path: str) -> Python | None:
    """Return what an interpreter says of itself. Return None for what is no CPython >= 3.11."""
    try:
        said = subprocess.run([path, "-I", "-c", _ASK], capture_output=True, text=True, timeout=20, check=True)
        kind, numbers, final, prefix, free, name = json.loads(said.stdout)
    except (OSError, subprocess.SubprocessError, ValueError):
        return None
    if kind != "CPython" or tuple(numbers[:2]) < OLDEST:
        return None
    real = Path(prefix) / "bin" / f"python{numbers[0]}.{numbers[1]}{'t' if free else ''}"
    path = str(real) if real.exists() else path  # a shim answers differently in another folder
    return Python(tuple(numbers), free, f"{name}{'t' if free else ''}", path, final)


def found(paths: Iterable[str]) -> list[Python]:
    """Every version once, however many names lead to it."""
    known: dict[str, Python] = {}
    for path in paths:
        one = ask(path)
        if one is not None:
            known.setdefault(one.name, one)
    return sorted(known.values())


def prepare(one: Python, folder: Path) -> str:
    """Install the tests' packages into an environment. Return what went wrong, or an empty text.

    The environment has no pip of its own, since Debian's Python comes without ensurepip: the pip of
    this interpreter installs into it.
    """
    python = folder / "bin" / "python"
    steps = [] if python.exists() else [[one.path, "-m", "venv", "--without-pip", str(folder)]]
    install = ["install", "--quiet", "--disable-pip-version-check", "--constraint", "constraints.txt"]
    steps.append([sys.executable, "-m", "pip", "--python", str(python), *install, "--editable", ".[dev]"])
    for step in steps:
        done = subprocess.run(step, cwd=ROOT, capture_output=True, text=True, check=False)
        if done.returncode:
            return "\n".join(done.stderr.strip().splitlines()[-6:]) or f"{step[0]} ended with {done.returncode}"
    return ""


def test(one: Python, words: list[str]) -> tuple[str, bool]:
    """Run the suite on one interpreter. Return a sentence about it and whether it is good."""
    folder = ROOT / ".venv-ci" / one.name
    began = time.monotonic()
    if wrong := prepare(one, folder):
        print(wrong)
        return "its packages cannot be installed (see above): perhaps one has no wheel for it yet", False
    command = [str(folder / "bin" / "python"), "-m", "pytest", "-p", "no:cacheprovider", *words]
    status = subprocess.run(command, cwd=ROOT, check=False).returncode
    return f"{'passed' if status == 0 else 'FAILED'} in {time.monotonic() - began:.0f} s", status == 0


def main() -> int:
    """Run it, print one line per version, and say which were not there."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--list", action="store_true", help="only say what is there")
    parser.add_argument("words", nargs="*", help="for pytest")
    asked = parser.parse_args()
    everything = found(candidates())
    lines, good = [], True
    for one in everything:
        if one.numbers == sys.version_info[:3] and not one.free_threaded:
            lines.append(f"{one.name:9} the version of `make test`")
        elif asked.list:
            lines.append(f"{one.name:9} {one.path}")
        else:
            print(f"-- the tests on CPython {one.name} ({one.path})", flush=True)
            said, passed = test(one, asked.words)
            lines.append(f"{one.name:9} {said}" + ("" if one.must_pass else " (no finished release: fails nothing)"))
            good = good and (passed or not one.must_pass)
    there = {one.numbers[:2] for one in everything}
    lines += [f"{major}.{minor:<7} not on this machine" for major, minor in WANTED if (major, minor) not in there]
    print("\n".join(lines))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
