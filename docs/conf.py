"""Settings of the documentation; `make docs` builds it, and needs no network."""

import sys
from pathlib import Path

DOCS = Path(__file__).resolve().parent
sys.path.insert(0, str(DOCS / "_ext"))

from galexplorer.figures.palette import DARK, LIGHT  # noqa: E402
from galexplorer.version import __version__  # noqa: E402

project = "galexplorer"
author = "galexplorer developers"
copyright = f"2026, {author}"
release = version = __version__

extensions = [
    "generated",
    "myst_nb",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx_copybutton",
    "sphinx_design",
]
smartquotes = False  # options begin with two hyphens
exclude_patterns = ["_build"]
default_role = "py:obj"
nitpicky = True
# Names of other packages, and of parameters, are in the same quotes as those of this one.
nitpick_ignore_regex = [("py:.*", r"(?!galexplorer\.).*")]

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3

nb_execution_mode = "force"
nb_execution_in_temp = True
nb_execution_raise_on_error = True
nb_execution_timeout = 120
nb_merge_streams = True

autodoc_member_order = "bysource"
autodoc_typehints = "none"  # the docstrings have the types, with shapes and units
numpydoc_show_class_members = False
# A record documents its attributes, which are its parameters.
numpydoc_validation_exclude = {r"\.[A-Z_]+$"}  # constants
numpydoc_validation_overrides = {"PR01": [r"Attributes\s+-{10}"]}
numpydoc_validation_checks = {"all", "ES01", "EX01", "GL01", "SA01", "RT03", "YD01"}

ACCENTED = ("color-brand-primary", "color-brand-content", "color-api-name")
html_theme = "furo"
pygments_dark_style = "github-dark"
html_title = "galexplorer"
html_favicon = html_logo = "../galexplorer/ui/parts/icon.svg"
html_static_path = ["_static"]
html_css_files = ["style.css"]
html_copy_source = False
html_show_sphinx = False
html_theme_options = {
    "light_css_variables": dict.fromkeys(ACCENTED, LIGHT.accent),
    "dark_css_variables": dict.fromkeys(ACCENTED, DARK.accent),
}
copybutton_prompt_text = "$ "
