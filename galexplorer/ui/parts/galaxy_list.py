"""Galaxies of the library as a list to take along: a table, a comparison, or targets."""

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import streamlit as st

from galexplorer.figures.palette import SERIES
from galexplorer.query.target_list import Target
from galexplorer.query.target_text import spell_targets
from galexplorer.schema import BPT_CLASSES, TARGET_NAMES
from galexplorer.ui.session import navigation

if TYPE_CHECKING:
    from galexplorer.inference.neighbours import Library

MAX_LINES = 500
"""Galaxies in a list of targets."""

MAX_COMPARED = len(SERIES)
"""Galaxies that the page of comparisons takes."""


def galaxy_table(
    library: "Library", rows: Sequence[int], distances: Sequence[float] | None = None
) -> pd.DataFrame:
    """Return one row for each galaxy: name, position, values and which of them are published.

    Parameters
    ----------
    library : galexplorer.inference.neighbours.Library
    rows : sequence of int
    distances : sequence of float, optional
        In latent space.

    Returns
    -------
    pandas.DataFrame
        Values are published ones where there are any, otherwise the model's medians; positions in
        degrees, other units as in `galexplorer.schema`.
    """
    take = list(rows)
    ra, dec = library.position[take].numpy().T
    columns: dict[str, object] = {
        "name": [library.names[row] for row in take],
        "ra": np.round(ra, 6),
        "dec": np.round(dec, 6),
    }
    if distances is not None:
        columns["latent_distance"] = np.round(distances, 3)
    for name in TARGET_NAMES:
        values, published = library.values(name)
        columns[name] = np.round(values[take].astype(float), 4)
        columns[f"{name}_published"] = published[take]
    classes, published = library.classes_of(take)
    columns["bpt"] = [BPT_CLASSES[k] for k in classes]
    columns["bpt_published"] = published
    return pd.DataFrame(columns)


def target_text(library: "Library", rows: Sequence[int]) -> str:
    """Return some galaxies as a list that the page of targets takes: CSV, a line each.

    Their positions are looked up under their names. Published redshifts go along to be compared
    with, and are not held fixed.
    """
    values, published = library.values("redshift")
    places = library.position[list(rows[:MAX_LINES])].tolist()
    return spell_targets(
        [
            Target(
                library.names[row],
                f"{ra:.6f} {dec:+.6f}",
                known_redshift=round(float(values[row]), 5) if published[row] else None,
            )
            for row, (ra, dec) in zip(rows, places, strict=False)
        ]
    )


def offer_list(
    library: "Library", rows: Sequence[int], key: str, distances: Sequence[float] | None = None
) -> None:
    """Offer galaxies as a CSV table, as a comparison, and as targets.

    Parameters
    ----------
    library : galexplorer.inference.neighbours.Library
    rows : sequence of int
    key : str
        Apart from other lists of the page.
    distances : sequence of float, optional
        In latent space.
    """
    with st.container(horizontal=True, gap="small"):
        st.download_button(
            "CSV table",
            data=partial(_csv, library, rows, distances),
            file_name="galaxies.csv",
            mime="text/csv",
            key=f"{key}_csv",
            on_click="ignore",
            icon=":material/download:",
        )
        number = min(len(rows), MAX_COMPARED)
        if number > 1:
            st.button(
                "Compare" if number == len(rows) else f"Compare the first {number}",
                key=f"{key}_compare",
                icon=":material/compare:",
                help="Infers them from their stored latents, which needs no network.",
                on_click=navigation.compare_library,
                args=([library.names[row] for row in rows[:number]],),
            )
        text = target_text(library, rows)
        with st.popover("Target list", icon=":material/list:", key=f"{key}_targets"):
            st.caption("Look these positions up, which needs a network, or copy them.")
            st.button(
                "To the page Targets",
                key=f"{key}_list",
                icon=":material/list:",
                on_click=navigation.open_targets,
                args=(text,),
            )
            st.code(text, language=None, height=200)


def _csv(library: "Library", rows: Sequence[int], distances: Sequence[float] | None) -> bytes:
    return galaxy_table(library, rows, distances).to_csv(index=False).encode()
