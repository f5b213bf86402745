"""The command line as Markdown, from the commands themselves."""

import re
from collections.abc import Iterator

import typer
from typer.cli import get_docs_for_click

from galexplorer.cli import app


def describe() -> Iterator[str]:
    """Return a section for each command."""
    command = typer.main.get_command(app)
    context = typer.Context(command, info_name="galexplorer")
    text = get_docs_for_click(obj=command, ctx=context, name="galexplorer")
    # the page has the first heading, and the list of commands is its table of contents
    text = text.split("\n", 1)[1]
    text = text.replace("**Usage**:\n\n", "")
    text = re.sub(r"\[(\w+\.\.\.)\]\.\.\.", r"[\1]", text)  # [INPUT...]...
    text = re.sub(r"\{(\w+(?:\.\.\.)?)\}(?:\.\.\.)?", r"\1", text)  # {TARGET...}...
    text = text.replace(" <list[str]>`", "`").replace(" range>`", ">`")
    text = re.sub(r"\*\*Commands\*\*:\n\n(\* .*\n)+", "", text)
    text = re.sub(r"\* `--help`: .*\n", "", text)
    text = re.sub(r"\*\*(Options|Arguments)\*\*:\n\n(?!\*)", "", text)
    yield text
