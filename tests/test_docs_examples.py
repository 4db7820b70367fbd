"""Every example of the docs still fits the program: commands parse, and blocks of data can be read."""

import json
import re
import shlex
import tomllib
from collections.abc import Callable
from pathlib import Path

import click
import pytest
import yaml

from distributor.cli import main as cli

REPO = Path(__file__).parent.parent
PAGES = [REPO / "README.md", *sorted((REPO / "docs").glob("*.md"))]
COMMANDS = [
    (page.name, line.partition("distributor ")[2])
    for page in PAGES
    for line in page.read_text(encoding="utf-8").splitlines()
    if re.match(r"\$ (\.venv/bin/)?distributor \w", line)
]
BLOCKS = [
    (page.name, kind, body)
    for page in PAGES
    for kind, body in re.findall(r"^```(toml|json|yaml)\n(.*?)^```", page.read_text("utf-8"), re.MULTILINE | re.DOTALL)
]


def words_of(line: str) -> list[str]:
    """The words of the command itself: no comment, no pipe, no redirection."""
    words = shlex.split(line, comments=True)
    ends = [words.index(one) for one in ("|", ">", ">>", "&&") if one in words]
    return words[: min(ends, default=len(words))]


@pytest.mark.parametrize(("page", "line"), COMMANDS)
def test_a_command_of_the_docs_parses(page: str, line: str) -> None:
    del page
    group = cli.cli
    assert isinstance(group, click.Group)
    command: click.Command = group
    parent = click.Context(group, info_name="distributor")
    words = words_of(line)
    while isinstance(command, click.Group):
        name = words.pop(0)
        found = command.get_command(parent, name)
        assert found, f"there is no command '{name}'"
        parent, command = click.Context(found, info_name=name, parent=parent), found
    try:
        command.make_context(command.name, words, parent=parent.parent)
    except click.BadParameter as error:
        assert "does not exist" in str(error), error  # a file of the reader's
    except click.exceptions.Exit:
        pass


def test_there_are_examples() -> None:
    assert len(COMMANDS) > 30
    assert len(BLOCKS) > 4


@pytest.mark.parametrize(("page", "kind", "body"), BLOCKS)
def test_a_block_of_the_docs_can_be_read(page: str, kind: str, body: str) -> None:
    del page
    readers: dict[str, Callable[[str], object]] = {"toml": tomllib.loads, "json": json.loads, "yaml": yaml.safe_load}
    assert readers[kind](body)
