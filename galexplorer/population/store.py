"""The population of a seed as files of a folder, made once."""

import json
from pathlib import Path

import numpy as np
import pandas as pd

from galexplorer.errors import DataError
from galexplorer.population import table
from galexplorer.population.sources import data_folder

_POPULATION_FILE = "population.parquet"
_FITS_FILE = "population-fits.json"


def load_population(out: Path, seed: int, data: Path | None = None) -> pd.DataFrame:
    """Return the population of a seed, made once per folder."""
    path = out / _POPULATION_FILE
    if path.exists():
        rows = pd.read_parquet(path)
        if int(rows["seed"].iloc[0]) != seed:
            raise DataError(f"{out} holds a set of another seed; choose another folder.")
        return rows
    rows = table.build(data_folder(data), np.random.default_rng(seed))
    rows["seed"] = seed
    fits = rows.attrs.pop("fits", [])
    out.mkdir(parents=True, exist_ok=True)
    (out / _FITS_FILE).write_text(json.dumps(fits, indent=2) + "\n")
    rows.to_parquet(path)
    return rows


def read_fits(out: Path) -> list[dict]:
    """Return the records of the fits used for imputation in the population of a folder."""
    path = out / _FITS_FILE
    return json.loads(path.read_text()) if path.exists() else []
