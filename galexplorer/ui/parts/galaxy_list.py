"""Galaxies of the library as a list to take along: a CSV table, or targets to look up."""

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import streamlit as st

from galexplorer.schema import BPT_CLASSES, TARGET_NAMES

if TYPE_CHECKING:
    from galexplorer.inference.neighbours import Library

MAX_LINES = 500
"""Galaxies in a list to paste: as many as the page of targets takes."""


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


def target_lines(library: "Library", rows: Sequence[int]) -> str:
    """Return the positions of some galaxies, a line each, as the page of targets takes them."""
    places = library.position[list(rows[:MAX_LINES])].tolist()
    return "\n".join(f"{ra:.5f} {dec:+.5f}" for ra, dec in places)


def offer_list(
    library: "Library", rows: Sequence[int], key: str, distances: Sequence[float] | None = None
) -> None:
    """Offer galaxies as a CSV table and as lines to copy.

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
        with st.popover("Target list", icon=":material/list:", key=f"{key}_targets"):
            st.caption("Copy these positions, and paste them on the page *Targets*.")
            st.code(target_lines(library, rows), language=None, height=200)


def _csv(library: "Library", rows: Sequence[int], distances: Sequence[float] | None) -> bytes:
    return galaxy_table(library, rows, distances).to_csv(index=False).encode()
