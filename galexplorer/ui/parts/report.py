"""The result of one galaxy, from summary to downloads."""

import streamlit as st

from galexplorer.export.provenance import origin_label
from galexplorer.records.result import EMPTY_LIBRARY, Result
from galexplorer.science.summary import describe_galaxy, domain_sentence
from galexplorer.ui.parts import picture, plots, tables
from galexplorer.ui.parts.code import show_code
from galexplorer.ui.parts.downloads import show_downloads
from galexplorer.ui.parts.neighbours import offer_pixels, show_neighbours
from galexplorer.ui.session.state import ExploredGalaxy


def show_result(record: ExploredGalaxy, earlier: ExploredGalaxy | None) -> None:
    """Draw everything that is known about one galaxy.

    Parameters
    ----------
    record : ExploredGalaxy
    earlier : ExploredGalaxy or None
        An answer about the same galaxy, to draw behind it.
    """
    result, source = record.result, record.source
    st.header(describe_galaxy(result), anchor=False)
    if result.domain.inside:
        st.markdown(domain_sentence(result))
    else:
        st.warning(domain_sentence(result), icon=":material/warning:")
    _show_origin(record)
    offer_pixels(source)

    if result.view is not None:
        left, right = st.columns([2, 3], gap="medium")
        with left:
            picture.show_image(record)
        with right:
            tables.show_tables(record, earlier, beside=False)
    else:
        tables.show_tables(record, earlier, beside=True)
    if source is not None and result.view is not None:
        picture.show_field(source, record.options, result.view)

    left, right = st.columns([3, 2], gap="medium")
    with left:
        plots.show_corner(record, earlier)
    with right:
        plots.show_bpt(record, earlier)
        plots.show_lines(record)
        tables.show_line_kinds(result)
    if result.view is not None:
        with left:
            picture.show_reconstruction(record)
    if result.neighbours:
        show_neighbours(record)
    elif EMPTY_LIBRARY in result.notes:
        st.info(EMPTY_LIBRARY, icon=":material/info:")
    show_downloads(result, record.identity)
    with st.expander("Copy as code", icon=":material/code:"):
        show_code(record)


def _show_origin(record: ExploredGalaxy) -> None:
    result = record.result
    with st.expander(
        f"{record.identity.description} {_photometry_words(result)}", icon=":material/info:"
    ):
        lines = [
            f"- {_origin_label(what)}: {where.rstrip('.')}."
            for what, where in result.origins.items()
        ]
        lines += [f"- {note}" for note in result.notes]
        magnitudes = result.photometry.magnitudes
        if magnitudes:
            words = ", ".join(f"{band} = {value:.2f}" for band, value in magnitudes.items())
            lines.append(f"- Magnitudes (AB): {words}.")
        r50, r90 = result.photometry.petro_r50, result.photometry.petro_r90
        if r50 is not None and r90 is not None:
            lines.append(f"- Petrosian radii in r: R50 = {r50:.2f}″, R90 = {r90:.2f}″.")
        weights = str(result.provenance.get("weights_sha256", ""))[:12]
        content = str(result.provenance.get("input_sha256") or "")[:12]
        lines.append(
            f"- Weights `{weights or 'unknown'}`"
            + (f", input `{content}`" if content else "")
            + f", seed {result.provenance.get('seed')}, {len(result.posterior.draws):,} draws."
        )
        st.markdown("\n".join(lines))


def _origin_label(what: str) -> str:
    label = origin_label(what)
    return f"{label[0].upper()}{label[1:]}"


def _photometry_words(result: Result) -> str:
    kind = result.photometry.kind
    if kind == "catalogue":
        origin = result.origins.get("photometry")
        return f"Photometry: {origin}." if origin else "Photometry: entered by the user."
    return "Photometry: measured on the image." if kind == "measured" else "No photometry."
