"""What the pages say of commands, names and files is true; `make docs` checks the rest."""

import ast
import re
import shlex
import textwrap
from pathlib import Path

import pytest
import typer

import galexplorer
from galexplorer.cli import app

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
FENCE = re.compile(r"^```(\S*)[^\n]*\n(.*?)^```$", re.M | re.S)
COMMAND = re.compile(r"^(?:    |\$ )(galexplorer .*)$", re.M)


def pages() -> list:
    return [pytest.param(path, id=path.relative_to(ROOT).as_posix()) for path in PAGES]


def options(command) -> set[str]:
    """Return every spelling of a command's options."""
    return {name for part in command.params for name in (*part.opts, *part.secondary_opts)}


def check_line(line: str) -> None:
    """Check that a line of a shell names commands and options that exist."""
    command = typer.main.get_command(app)
    words = iter(shlex.split(line, comments=True)[1:])
    for word in words:
        if word.startswith("-") and not re.match(r"-\d", word):
            assert word in options(command) | {"--help"}, f"{line}: {word}"
        elif hasattr(command, "commands"):
            assert word in command.commands, f"{line}: {word}"
            command = command.commands[word]


@pytest.mark.parametrize("path", pages())
def test_commands_exist(path):
    for line in COMMAND.findall(path.read_text(encoding="utf-8")):
        check_line(line)


def test_a_command_that_does_not_exist_is_found():
    with pytest.raises(AssertionError, match="--no-such-option"):
        check_line("galexplorer infer galaxy.fits --no-such-option 3")
    with pytest.raises(AssertionError, match="inver"):
        check_line("galexplorer inver galaxy.fits")


@pytest.mark.parametrize("path", pages())
def test_python_is_python(path):
    for language, code in FENCE.findall(path.read_text(encoding="utf-8")):
        if language == "python":
            ast.parse(textwrap.dedent(code), filename=str(path))


@pytest.mark.parametrize("path", pages())
def test_links_to_files_lead_somewhere(path):
    text = FENCE.sub("", path.read_text(encoding="utf-8"))
    for target in re.findall(r"\]\(([^)#:]+?)(?:#[^)]*)?\)", text):
        assert (path.parent / target).exists(), target


def test_every_public_name_is_in_the_reference():
    text = (ROOT / "docs" / "reference" / "api.md").read_text(encoding="utf-8")
    for name in set(galexplorer.__all__) - {"__version__"}:
        assert re.search(rf"\bgalexplorer\.{name}\b", text), name


def test_the_promise_is_quoted_as_it_is():
    text = (ROOT / "docs" / "reference" / "stability.md").read_text(encoding="utf-8")
    assert f"\n{galexplorer.__all__}\n" in text


def test_the_readme_is_one_screen():
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 60
