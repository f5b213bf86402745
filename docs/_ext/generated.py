"""The directive ``generated``: parts of the reference that are made from the package itself."""

from collections.abc import Callable, Iterator

import command_line
import data_model
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError
from sphinx.util.docutils import SphinxDirective

SOURCES: dict[str, Callable[[], Iterator[str]]] = {
    "targets": data_model.describe_targets,
    "columns": data_model.describe_columns,
    "formats": data_model.describe_formats,
    "json": data_model.describe_json,
    "draws": data_model.describe_draws,
    "catalogue": data_model.describe_catalogue,
    "target-list": data_model.describe_target_list,
    "glossary": data_model.describe_glossary,
    "command-line": command_line.describe,
}


class Generated(SphinxDirective):
    """Put what one of `SOURCES` says, as Markdown, in this place."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Return the nodes of the Markdown."""
        try:
            lines = list(SOURCES[self.arguments[0]]())
        except LookupError as error:
            raise ExtensionError(f"generated {self.arguments[0]}: no words for {error}") from error
        return self.parse_text_to_nodes("\n".join(lines), allow_section_headings=True)


def setup(app: Sphinx) -> dict:
    """Add the directive."""
    app.add_directive("generated", Generated)
    return {"parallel_read_safe": True, "version": "1"}
