"""What every CPython from 3.11.0 on must be able to run, whichever of them runs the tests."""

import ast
import importlib
import importlib.util
import os
import re
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from distributor import store
from distributor.errors import StoreError
from tests import sites, web
from tests.scheduled import Scheduled, box

REPO = Path(__file__).parent.parent
#: Functions of `re` whose first argument is a pattern.
TAKES_PATTERN = {"compile", "search", "match", "fullmatch", "split", "findall", "finditer", "sub", "subn"}
FOLDERS = ("distributor", "channels", "tests", "benchmarks", ".ci")


def newer_than_3_11_5(pattern: str | bytes) -> list[str]:
    """Return the constructs of a pattern that `re` of CPython 3.11.0 to 3.11.4 gets wrong: possessive
    quantifiers and atomic groups are new in 3.11, and within groups they fail there (gh-101955, gh-106052).
    """
    parser: Any = importlib.import_module("re._parser")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tree = parser.parse(pattern)
    return sorted(set(_named(tree)))


def _named(tree: Any) -> Iterator[str]:
    for item in tree:
        if str(item) in {"POSSESSIVE_REPEAT", "ATOMIC_GROUP"}:
            yield str(item)
        if isinstance(item, tuple | list) or type(item).__name__ == "SubPattern":
            yield from _named(item)


class Patterns(ast.NodeVisitor):
    """Every pattern that a file hands to `re`, with its line: evaluated by the module's own names,
    or, where only a running function knows them, with a plain letter in the place of each unknown.
    """

    def __init__(self, module: ModuleType | None) -> None:
        self.known = vars(module) if module else {}
        self.found: list[tuple[int, str | bytes]] = []

    def visit_Call(self, node: ast.Call) -> None:
        function = node.func
        if (
            isinstance(function, ast.Attribute)
            and isinstance(function.value, ast.Name)
            and function.value.id == "re"
            and function.attr in TAKES_PATTERN
            and node.args
        ):
            self.found += [(node.lineno, one) for one in self.values(node.args[0])]
        self.generic_visit(node)

    def values(self, node: ast.expr) -> list[str | bytes]:
        try:
            value = eval(compile(ast.Expression(node), "pattern", "eval"), dict(self.known))
        except Exception:
            return self.pieces(node)
        return [value] if isinstance(value, str | bytes) else []

    def pieces(self, node: ast.expr) -> list[str | bytes]:
        if isinstance(node, ast.JoinedStr):
            filled = (str(one.value) if isinstance(one, ast.Constant) else "x" for one in node.values)
            return ["".join(filled)]
        if isinstance(node, ast.Constant) and isinstance(node.value, str | bytes):
            return [node.value]
        return []


def patterns(path: Path) -> list[tuple[int, str | bytes]]:
    tree = ast.parse(path.read_bytes())
    module = None
    if path.is_relative_to(REPO / "distributor") or path.is_relative_to(REPO / "channels"):
        parts = path.relative_to(REPO).with_suffix("").parts
        module = importlib.import_module(".".join(part for part in parts if part != "__init__"))
    visitor = Patterns(module)
    visitor.visit(tree)
    found = visitor.found
    if module:  # what a loop or a comprehension compiled at import
        compiled = [one for value in vars(module).values() for one in _compiled(value)]
        found = found + [(0, one) for one in compiled]
    return found


def _compiled(value: object, depth: int = 0) -> Iterator[str | bytes]:
    if isinstance(value, re.Pattern):
        yield value.pattern
    elif isinstance(value, dict) and depth < 3:
        for one in value.values():
            yield from _compiled(one, depth + 1)
    elif isinstance(value, tuple | list | set | frozenset) and depth < 3:
        for one in value:
            yield from _compiled(one, depth + 1)


def sources() -> list[Path]:
    """The project's own files: benchmarks/.peers is an environment with others' packages."""
    found = [path for folder in FOLDERS for path in (REPO / folder).rglob("*.py")]
    return sorted(path for path in found if path.name != "__main__.py" and "site-packages" not in path.parts)


def test_no_pattern_of_re_needs_a_patch_release() -> None:
    wrong, seen = [], 0
    for path in sources():
        for line, pattern in patterns(path):
            seen += 1
            try:
                named = newer_than_3_11_5(pattern)
            except re.error:
                continue  # a piece that is no pattern by itself
            wrong += [f"{path.relative_to(REPO)}:{line}: {one} in {pattern!r}" for one in named]
    assert seen > 250
    assert wrong == []


@pytest.mark.parametrize(
    "pattern", ["a++", "(?:ab)*+c", rb"(?:x(?:a|b)?+)+", "a{2,3}+", "(?>ab|a)c", "(?=x(?>y))", "(a|b*+)"]
)
def test_the_finder_finds(pattern: str | bytes) -> None:
    assert newer_than_3_11_5(pattern)


@pytest.mark.parametrize("pattern", ["a+", r"\+\+", "[*+]+", "[(?>]+", "(?:a+)+", "(?P<x>a)(?(x)b|c)", "a{2}b+?"])
def test_the_finder_leaves_the_others(pattern: str) -> None:
    assert newer_than_3_11_5(pattern) == []


def test_no_module_takes_re_apart() -> None:
    """`from re import …` and `import re as …` would hide patterns from the test above."""
    for path in sources():
        for node in ast.walk(ast.parse(path.read_bytes())):
            if isinstance(node, ast.ImportFrom):
                assert node.module != "re", path
            if isinstance(node, ast.Import):
                assert all(one.asname is None for one in node.names if one.name == "re"), path


# ── what is opened is closed: 3.13 says so, the others keep it to themselves ──────────────────────


def opened(root: Path) -> set[str]:
    """The files below a folder that this process has open. Linux."""
    found = set()
    for handle in Path("/proc/self/fd").iterdir():
        try:
            found.add(str(handle.readlink()))
        except OSError:
            continue
    return {one for one in found if one.startswith(f"{root}{os.sep}")}


linux = pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="needs /proc")


@linux
def test_a_closed_desk_has_no_database_open(tmp_path: Path) -> None:
    from distributor.web.app import close

    office = web.Office(tmp_path / "press")
    office.desk.schedule(office.release())
    browser = office.browser("approver")
    assert browser.get("/releases").status_code == 200
    assert browser.get("/board/three-piers").status_code == 200
    assert opened(tmp_path)
    close(office.app)
    assert opened(tmp_path) == set()
    assert browser.get("/releases").status_code == 200  # whoever comes later is served


@linux
@pytest.mark.parametrize("damage", ["newer", "none"])
def test_a_ledger_that_is_refused_is_closed(tmp_path: Path, damage: str) -> None:
    root = tmp_path / "site"
    Scheduled(root, box(root))
    path = root / "var" / "distributor.db"
    if damage == "newer":
        with sites.database(root) as db:
            db.execute("UPDATE schema_version SET version = 99")
    else:
        path.write_bytes(b"no database" * 1000)
    with pytest.raises(StoreError):
        store.open_ledger(f"sqlite:///{path}")
    assert opened(tmp_path) == set()
