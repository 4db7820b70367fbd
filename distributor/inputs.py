"""What a sealed version was made from, and how those files looked then: whether one changed costs a few looks, no reading.

That something changed is a hint, no proof: whoever wants to know renders again. Only the standard library, for `status`.
"""

import json
from collections.abc import Iterable
from pathlib import Path

from distributor.site import CONFIG

_SITE_WIDE = (CONFIG, Path("config/networks.toml"))


def record(root: Path, file: Path, media: Iterable[str]) -> str:
    """Return what to keep with a version that is made from the release `file`, its translations and its media."""
    names = sorted(set(media))
    return json.dumps({"file": _within(root, file), "media": names, "stamps": _stamps(root, file, names)})


def file_of(root: Path, kept: str) -> Path | None:
    """Return the release file that a version was made from; None where nothing was kept."""
    return root / json.loads(kept)["file"] if kept else None


def changed(root: Path, kept: str) -> bool:
    """Whether any of the files looks otherwise than when the version was sealed. False where nothing was kept."""
    if not kept:
        return False
    known = json.loads(kept)
    return bool(_stamps(root, root / known["file"], known["media"]) != known["stamps"])


def stamp(root: Path, kept: str) -> str:
    """Return how the files look now: the same text as long as none of them changes."""
    known = json.loads(kept)
    return json.dumps(_stamps(root, root / known["file"], known["media"]))


def _stamps(root: Path, file: Path, media: Iterable[str]) -> dict[str, list[int]]:
    translations = file.parent.glob(f"{file.stem}.*{file.suffix}") if file.parent.is_dir() else ()
    own = (root / "templates").rglob("*") if (root / "templates").is_dir() else ()
    paths = {file, *translations, *(file.parent / name for name in media), *(root / one for one in _SITE_WIDE), *own}
    found = {}
    for path in paths:
        try:
            seen = path.stat()
        except OSError:
            continue
        if path.is_file():
            found[_within(root, path)] = [seen.st_mtime_ns, seen.st_size, seen.st_ino]
    return dict(sorted(found.items()))


def _within(root: Path, path: Path) -> str:
    whole = path.resolve()
    return str(whole.relative_to(root.resolve())) if whole.is_relative_to(root.resolve()) else str(whole)
