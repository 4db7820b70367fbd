"""The peers' Python, made once. Their versions are pinned, so that a row compares with the row of another day."""

import subprocess
import venv
from pathlib import Path

_HERE = Path(__file__).parent


def python(name: str) -> Path:
    """Return the interpreter of an environment with what `NAME.txt` pins; made anew when that file is newer."""
    folder, pinned = _HERE.parent / f".{name}", _HERE / f"{name}.txt"
    found, stamp = folder / "bin" / "python", folder / ".ready"
    if not stamp.exists() or stamp.stat().st_mtime < pinned.stat().st_mtime:
        print(f"making benchmarks/.{name} (once, about a minute)", flush=True)
        venv.create(folder, with_pip=True)
        install = [found, "-m", "pip", "install", "-q", "--disable-pip-version-check", "-r", pinned]
        subprocess.run(install, check=True)
        stamp.touch()
    return found
