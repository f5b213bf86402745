"""A survey from its input to its catalogue; a run that was cut short goes on where it stopped."""

import json
import shutil
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass, field
from pathlib import Path

import lsdb
import numpy as np
import pyarrow.dataset as ds
import pyarrow.parquet as pq
from distributed import Client

from galexplorer.errors import InputError
from galexplorer.inference.detection import check_detected
from galexplorer.inference.options import check_options
from galexplorer.inference.prior import choose_prior
from galexplorer.sky.reddening import read_reddening
from galexplorer.survey import output
from galexplorer.survey.cluster import open_client
from galexplorer.survey.failures import explain_failures
from galexplorer.survey.inputs import list_files
from galexplorer.survey.intake import (
    Intake,
    column_words,
    file_parts,
    judge_files,
    quietly,
)
from galexplorer.survey.partitions import (
    DRAWS_COLUMN,
    Settings,
    describe_results,
    empty_result,
    infer_partition,
)
from galexplorer.survey.request import Request, describe_request
from galexplorer.survey.state import STATE, WORK, claimed, read_state
from galexplorer.version import versions

Tell = Callable[[str], None]
Progress = Callable[[int, int], None]
Stop = Callable[[], bool]


@dataclass(frozen=True)
class Summary:
    """What came out.

    Attributes
    ----------
    rows : int
        Of the input, and of the catalogue.
    done : int
        Rows that are in the catalogue: fewer than all where the run was stopped.
    not_inferred : int
        Rows of those whose flag says why they were not.
    flags : dict of str to int
        Rows with each word of the column ``flag``.
    seconds : float
        That this run took to infer and write.
    """

    rows: int
    done: int
    not_inferred: int = 0
    flags: Mapping[str, int] = field(default_factory=dict)
    seconds: float = 0.0


def run_survey(
    request: Request,
    *,
    resume: bool = False,
    citation: str = "",
    tell: Tell = lambda words: None,
    progress: Progress = lambda done, rows: None,
    stop: Stop = lambda: False,
    at_once: Callable[[], AbstractContextManager[None]] = nullcontext,
) -> Summary:
    """Infer all rows of a survey.

    Parameters
    ----------
    request : Request
    resume : bool
        Go on with what is at ``request.out``, if there is anything.
    citation : str
        Of the software, for the catalogue.
    tell : callable
        Is told remarks, a sentence each.
    progress : callable
        Called with the number of rows that are done and of all.
    stop : callable
        Asked often whether to stop; partitions that are done stay, and a run with `resume` goes on.
    at_once : callable
        Returns a context in which a wish to stop is KeyboardInterrupt: it is entered while the
        input is read and sorted, of which an end leaves nothing.

    Returns
    -------
    Summary

    Raises
    ------
    OptionError
        If there is something at ``request.out``, and not `resume`; or it was made otherwise.
    OptionError
        If another run is at work there, or no scheduler answers.
    InputError
        If a table cannot be read, or a catalogue cannot be written.
    """
    check_options(None, request.redshift_range, request.draws, request.seed)
    prior = choose_prior(request.prior, None, request.redshift_range)
    with at_once():
        asked = describe_request(request, prior)
    place = request.out if request.draws_out is None else request.draws_out
    with explain_failures(request.out), claimed(request.out):
        state = read_state(request, asked, resume)
        if state.get("complete"):
            tell(f"{request.out} is complete: nothing is left to infer.")
            return Summary(**state["summary"])
        work = request.out / WORK
        with open_client(request.scheduler, request.workers, work / "scratch") as client:
            tell(f"dashboard: {client.dashboard_link}")
            with at_once():
                taken = _take_in(request, work, client, state["places"], tell)
            output.write_json(request.out / STATE, state)  # an input that was refused leaves none
            settings = Settings(
                request.draws,
                request.seed,
                request.redshift_range,
                prior,
                check_detected(request.detected),
                None if request.weights is None else str(request.weights.resolve()),
                asked["weights_sha256"],
                request.device,
                taken.images,
                request.draws_out is not None,
            )
            begin = time.perf_counter()
            done = _infer(place, work / "input", settings, taken, progress, stop)
            if done < taken.rows:
                return Summary(taken.rows, done, seconds=time.perf_counter() - begin)
            notes = {**state, "citation": citation, "notes": list(taken.notes)}
            if request.draws_out is not None:
                _leave_out_draws(request.draws_out, request.out, taken.rows)
            words = column_words(work / "parts")
            for folder in dict.fromkeys((place, request.out)):
                output.describe_catalogue(folder, describe_results(taken.images), words, notes)
        summary = _summarise(request.out, taken.rows, time.perf_counter() - begin)
        complete = {**notes, "complete": True, "summary": asdict(summary)}
        output.write_json(request.out / STATE, complete)
        shutil.rmtree(work)
        return summary


def _take_in(request: Request, work: Path, client: Client, places: dict, tell: Tell) -> Intake:
    """Read the input and file it in partitions, unless that was done before."""
    marked = work / "intake.json"
    if marked.exists() and (request.out / STATE).exists():
        known = json.loads(marked.read_text(encoding="utf-8"))
        if known.pop("places", None) == places:
            return Intake(**{**known, "notes": tuple(known["notes"])})
    marked.unlink(missing_ok=True)  # rows name their images by where those lay
    taken = judge_files(
        list_files(request.source),
        work / "parts",
        columns=request.columns,
        hdu=request.hdu,
        image=request.image,
        cutouts=request.cutouts,
        deredden=read_reddening if request.deredden else None,
        tell=tell,
    )
    for note in taken.notes:
        tell(note)
    file_parts(work / "parts", work / "input", taken.rows, request.partition_rows, client)
    output.write_json(marked, {**asdict(taken), "places": places})
    return taken


def _infer(
    place: Path, source: Path, settings: Settings, taken: Intake, progress: Progress, stop: Stop
) -> int:
    """Infer the partitions that are not done yet; return how many rows are done."""
    if output.count_rows(place) == taken.rows:
        return taken.rows
    with quietly():
        catalogue = lsdb.open_catalog(source)
    rows = _rows_of_pixels(source)
    output.tidy_progress(place)
    inferred = catalogue.map_partitions(
        infer_partition, settings, meta=empty_result(catalogue.meta, settings)
    )
    before = _count_done(place, rows)
    progress(before, taken.rows)

    def write() -> None:
        with quietly():
            inferred.write_catalog(
                place,
                catalog_name=place.resolve().name,
                resume=True,
                as_collection=False,
                progress_bar=False,
                create_per_partition_statistics=False,
                addl_hats_properties={"hats_builder": f"galexplorer {versions()['galexplorer']}"},
            )

    pool = ThreadPoolExecutor(1)
    future = pool.submit(write)
    try:
        while not wait([future], timeout=0.5).done:
            progress(_count_done(place, rows), taken.rows)
            if stop():
                return _count_done(place, rows)
        future.result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
    found = output.count_rows(place)
    if found != taken.rows:
        raise InputError(
            f"{place} has {found:,} of {taken.rows:,} rows: something else wrote there; remove it "
            "and start again."
        )
    progress(taken.rows, taken.rows)
    return taken.rows


def _rows_of_pixels(folder: Path) -> dict[tuple[int, int], int]:
    found = {}
    for path in output.data_files(folder):
        order = int(path.parent.parent.name.removeprefix("Norder="))
        number = int(path.stem.removeprefix("Npix="))
        found[order, number] = pq.read_metadata(path).num_rows
    return found


def _count_done(place: Path, rows: Mapping[tuple[int, int], int]) -> int:
    return sum(rows.get(pixel, 0) for pixel in output.done_pixels(place))


def _leave_out_draws(source: Path, out: Path, rows: int) -> None:
    """Write a catalogue without the column of draws."""
    if output.count_rows(out) == rows:
        return
    output.tidy_progress(out)
    with quietly():
        catalogue = lsdb.open_catalog(source)
        names = [name for name in catalogue.columns if name != DRAWS_COLUMN]
        catalogue[names].write_catalog(
            out,
            catalog_name=out.resolve().name,
            resume=True,
            as_collection=False,
            progress_bar=False,
            create_per_partition_statistics=False,
        )


def _summarise(out: Path, rows: int, seconds: float) -> Summary:
    """Count the flags of a catalogue."""
    flags: dict[str, int] = {}
    missing = 0
    files = [str(path) for path in output.data_files(out)]
    for batch in ds.dataset(files).to_batches(columns=["flag", "redshift_p50"]):
        missing += int(np.isnan(batch["redshift_p50"].to_numpy(zero_copy_only=False)).sum())
        for entry in batch["flag"].value_counts().to_pylist():
            for word in filter(None, (entry["values"] or "").split(";")):
                kind = word.split(":")[0].strip()
                flags[kind] = flags.get(kind, 0) + entry["counts"]
    return Summary(rows, rows, missing, dict(sorted(flags.items())), seconds)
