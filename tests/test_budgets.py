"""Small rooms: files, functions and channels stay within the budgets of CONTRIBUTING.md."""

import ast
from pathlib import Path

import pytest

REPO = Path(__file__).parent.parent
CODE = [path for folder in ("distributor", "channels") for path in sorted((REPO / folder).rglob("*.py"))]
#: Longer than the budget, each with its reason.
EXCEPTIONS: dict[str, str] = {}


@pytest.mark.parametrize("path", CODE, ids=lambda path: str(path.relative_to(REPO)))
def test_files_and_functions(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 300 or str(path.relative_to(REPO)) in EXCEPTIONS
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            last = node.end_lineno or node.lineno
            doc = ast.get_docstring(node, clean=False)
            length = last - node.lineno + 1 - (len(doc.splitlines()) if doc else 0)
            assert length <= 45, f"{node.name} has {length} lines without its docstring"


def test_no_template_is_longer_than_a_screen_or_five() -> None:
    for path in (REPO / "templates").rglob("*.*"):
        assert len(path.read_text(encoding="utf-8").splitlines()) <= 300
