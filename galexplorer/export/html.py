"""A report in one self-contained HTML file."""

import base64
import io
from html import escape

import numpy as np
from PIL import Image

from galexplorer.export.content import (
    CAPTIONS,
    Grid,
    class_grid,
    derived_grid,
    line_grid,
    neighbour_grid,
    photometry_words,
    place_words,
    posterior_grid,
)
from galexplorer.export.figures import FIGURE_MIME_TYPES, figure_bytes
from galexplorer.export.provenance import CITATION, provenance_lines
from galexplorer.export.publication import FIGURES, publication_figure
from galexplorer.figures.sky import colour_figure, reconstruction_figure
from galexplorer.records.result import Result
from galexplorer.records.verdict import FINE
from galexplorer.science.summary import (
    VALUES_ANYWAY,
    describe_galaxy,
    picture_scale,
    verdict_sentences,
)
from galexplorer.version import __version__

# The policy lets a browser load nothing and run nothing, whatever a name or a note may hold.
_HEAD = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; \
style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="generator" content="galexplorer {version}">
<title>{title}</title>
<style>
:root {{ color-scheme: light; }}
body {{ font: 15px/1.5 system-ui, "DejaVu Sans", sans-serif; color: #1B1F24; background: #fff;
  max-width: 62rem; margin: 2rem auto; padding: 0 1.2rem; }}
h1 {{ font-size: 1.5rem; line-height: 1.3; margin: 0 0 .3rem; }}
h2 {{ font-size: 1.1rem; margin: 2rem 0 .5rem; }}
p {{ margin: .4rem 0; }}
.name, figcaption, .quiet {{ color: #59616B; }}
.outside {{ border-left: 3px solid #D55E00; padding-left: .7rem; }}
figure {{ margin: 0; break-inside: avoid; }}
figcaption {{ font-size: .85rem; }}
img {{ max-width: 100%; height: auto; display: block; }}
.sky img {{ width: 100%; }}
.pair {{ display: flex; flex-wrap: wrap; gap: 1.5rem; align-items: flex-start; }}
.pair > * {{ flex: 1 1 17rem; min-width: 0; }}
.pair > .wide {{ flex: 1 1 32rem; }}
.pair > .sky {{ flex: 0 1 17rem; }}
.pair h2:first-child {{ margin-top: 1.2rem; }}
.pair .sky {{ margin-top: 1.4rem; }}
img[src^="data:image/svg"] {{ width: 100%; }}
.scroll {{ overflow-x: auto; }}
table {{ border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums;
  font-size: .9rem; break-inside: avoid; }}
th, td {{ text-align: left; font-weight: normal; padding: .2rem .9rem .2rem 0;
  border-bottom: 1px solid #DDE1E6; vertical-align: top; white-space: nowrap; }}
thead th {{ color: #59616B; }}
td:nth-child(2) {{ font-weight: 600; }}
.near td:nth-child(2), .plain td:nth-child(2), .facts td:nth-child(2) {{ font-weight: normal; }}
.facts td {{ overflow-wrap: anywhere; white-space: normal; }}
.near img {{ width: 3rem; image-rendering: auto; }}
.unusable {{ color: #59616B; }}
.unusable td:nth-child(2) {{ font-weight: normal; }}
.unusable figure img {{ opacity: .55; filter: grayscale(1); }}
@page {{ margin: 16mm; }}
@media print {{ body {{ margin: 0; max-width: none; font-size: 9pt; }}
  h1 {{ font-size: 14pt; }}
  .pair {{ flex-wrap: nowrap; }}
  .top {{ display: block; }}
  .sky img {{ width: 7cm; }}
  table {{ font-size: 7.5pt; }} th, td {{ padding-right: .5rem; }}
  .near img {{ width: 2rem; }}
  h2 {{ break-after: avoid; }} }}
</style>
</head>
<body>
"""


def html_report(result: Result, name: str = "") -> bytes:
    """Return everything that is known about one galaxy as one HTML file.

    Parameters
    ----------
    result : Result
    name : str
        Of the galaxy.

    Returns
    -------
    bytes
        UTF-8, style and images inside, without scripts; it prints to A4 or Letter.
    """
    title = describe_galaxy(result)
    called = " · ".join(words for words in (name, place_words(result)) if words)
    fine = result.verdict.level == FINE
    said = "".join(
        f"<p{'' if fine else ' class=outside'}>{escape(words)}</p>"
        for words in verdict_sentences(result)
    )
    usable = result.verdict.usable
    parts = [
        _HEAD.format(version=__version__, title=escape(name or title)),
        f'<p class="name">{escape(called)}</p>' if called else "",
        f"<h1>{escape(title)}</h1>",
        said,
        f"<p>{escape(photometry_words(result))}</p>",
        "" if usable else f'{_sky(result)}<details class="unusable"><summary>{VALUES_ANYWAY}'
        "</summary>",
        '<div class="pair top">',
        _sky(result) if usable else "",
        f'<div class="wide"><h2>Posterior</h2>{_table(posterior_grid(result))}</div>',
        "</div>",
        _figure(result, "corner", "double"),
        '<div class="pair">',
        _figure(result, "bpt", "single"),
        "<div>",
        _figure(result, "lines", "single"),
        _table(line_grid(result), "plain"),
        f"<h2>Classes</h2>{_table(class_grid(result))}",
        "</div>",
        "</div>",
        "<h2>Derived from the draws</h2>",
        _table(derived_grid(result)),
        _reconstruction(result),
        _neighbours(result),
        "" if usable else "</details>",
        "<h2>Notes</h2>" + _list(result.notes) if result.notes else "",
        "<h2>Provenance</h2>",
        _table(Grid(("What", "Value"), tuple(provenance_lines(result))), "facts"),
        f"<h2>How to cite</h2><p>{escape(CITATION)}</p>",
        "</body>\n</html>\n",
    ]  # fmt: skip
    return "\n".join(part for part in parts if part).encode()


def _sky(result: Result) -> str:
    if result.view is None:
        return ""
    figure = colour_figure(result.view, picture_scale(result))
    image = _image(figure_bytes(figure, "png", dpi=150), "png", "Colour image with scale bar")
    caption = "SDSS composite of i, r, g."
    if result.view.petrosian_radius_arcsec is not None:
        caption += f" Dashed: Petrosian radius {result.view.petrosian_radius_arcsec:.1f}″."
    return f'<figure class="sky">{image}<figcaption>{escape(caption)}</figcaption></figure>'


def _figure(result: Result, kind: str, size: str) -> str:
    # Lines without a finite ratio leave no BPT diagram.
    if kind == "bpt" and not all(np.isfinite(list(result.bpt.values()))):
        return ""
    figure = publication_figure(result, kind, size, known=result.known)
    known = " Orange: known values." if result.known and kind != "bpt" else ""
    image = _image(figure_bytes(figure, "svg"), "svg", FIGURES[kind])
    return (
        f"<div><h2>{FIGURES[kind]}</h2><figure>{image}"
        f"<figcaption>{CAPTIONS[kind]}{known}</figcaption></figure></div>"
    )


def _reconstruction(result: Result) -> str:
    if result.view is None:
        return ""
    content = figure_bytes(reconstruction_figure(result.view), "png", dpi=130)
    alt = "The model's input, its reconstruction by the autoencoder, and the residual"
    return f"<h2>Model input and reconstruction</h2><figure>{_image(content, 'png', alt)}</figure>"


def _neighbours(result: Result) -> str:
    if not result.neighbours:
        return ""
    grid = neighbour_grid(result)
    pictures = []
    for neighbour in result.neighbours:
        buffer = io.BytesIO()
        Image.fromarray(neighbour.thumbnail).save(buffer, "png")
        pictures.append(_image(buffer.getvalue(), "png", f"Reconstruction of {neighbour.name}"))
    sources = "; ".join(dict.fromkeys(neighbour.source for neighbour in result.neighbours))
    return (
        "<h2>Nearest neighbours</h2>"
        + _table(grid, "near", pictures)
        + '<p class="quiet">Real galaxies nearest in latent space. The images are the '
        "autoencoder's reconstructions from stored latents, not observations. Values: "
        f"{escape(sources)}.</p>"
    )


def _image(content: bytes, format: str, alt: str) -> str:
    data = base64.b64encode(content).decode()
    return f'<img src="data:{FIGURE_MIME_TYPES[format]};base64,{data}" alt="{escape(alt)}">'


def _table(grid: Grid, kind: str = "", pictures: list[str] | None = None) -> str:
    head = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in grid.head)
    lines = []
    for k, row in enumerate(grid.rows):
        picture = f"<td>{pictures[k]}</td>" if pictures else ""
        cells = "".join(f"<td>{escape(cell)}</td>" for cell in row[1:])
        lines.append(f'<tr>{picture}<th scope="row">{escape(row[0])}</th>{cells}</tr>')
    first = '<th scope="col">Picture</th>' if pictures else ""
    body = "\n".join(lines)
    return (
        f'<div class="scroll"><table class="{kind}"><thead><tr>{first}{head}</tr></thead>\n'
        f"<tbody>\n{body}\n</tbody></table></div>"
    )


def _list(sentences: tuple[str, ...]) -> str:
    return "<ul>" + "".join(f"<li>{escape(words)}</li>" for words in sentences) + "</ul>"
