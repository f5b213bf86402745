"""What ended a survey, in the user's words: a full disk, a cluster that went away."""

import errno
from collections.abc import Iterator
from concurrent.futures import CancelledError
from contextlib import contextmanager
from pathlib import Path

from distributed import KilledWorker
from distributed.comm import CommClosedError

from galexplorer.errors import GalexplorerError, InputError


@contextmanager
def explain_failures(out: Path) -> Iterator[None]:
    """Say in the user's words what ended a run.

    Parameters
    ----------
    out : Path
        Folder of its catalogue.

    Raises
    ------
    InputError
        If the disk is full, the cluster went away, or workers were ended at one partition.
    """
    again = "what is done is kept, and --resume goes on with it"
    try:
        yield
    except GalexplorerError:
        raise
    except (CommClosedError, CancelledError, ConnectionError) as error:
        raise InputError(f"The Dask cluster went away ({error}): {again}.") from error
    except KilledWorker as error:
        raise InputError(
            f"Workers were ended again and again at one partition, perhaps for memory: {again}; "
            "fewer rows a partition need less."
        ) from error
    except (OSError, RuntimeError) as error:
        for cause in _causes(error):
            if isinstance(cause, GalexplorerError):
                raise cause from error
            if isinstance(cause, OSError):
                full = cause.errno == errno.ENOSPC or "No space left" in str(cause)
                what = "the disk is full" if full else cause.strerror or str(cause)
                raise InputError(f"{out} cannot be written: {what}; {again}.") from error
        raise


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: BaseException | None = error
    while seen is not None:
        yield seen
        seen = seen.__cause__ or seen.__context__
