"""Where a survey computes: a Dask cluster of this machine, or one that is there."""

import logging
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import resource_tracker
from pathlib import Path

import dask
from distributed import Client, LocalCluster
from distributed.utils import silence_logging_cmgr

from galexplorer.errors import OptionError
from galexplorer.resources import count_cores

MEMORY = "1.5GB"
"""What a worker of this machine may hold; beyond, Dask ends it and gives its work to another."""

_SETTINGS = {
    # a worker that dies takes its partition's turn with it, not the run
    "distributed.scheduler.allowed-failures": 20,
    "distributed.comm.timeouts.connect": "30s",
    "distributed.worker.daemon": True,
    # Dask lets each array go back to the system when it is freed: fetched anew for every product,
    # which takes a third of a worker's time
    "distributed.nanny.pre-spawn-environ.MALLOC_MMAP_THRESHOLD_": 32 * 2**20,
    "distributed.nanny.pre-spawn-environ.MALLOC_TRIM_THRESHOLD_": 128 * 2**20,
    # nor do they then hold less when they pause: one that paused would never go on
    "distributed.worker.memory.pause": False,
    # statistics that nobody looks at
    "distributed.worker.profile.enabled": False,
    "distributed.admin.tick.interval": "500ms",
}


@contextmanager
def open_client(
    scheduler: str | None, workers: int | None, scratch: Path, threads: int = 1
) -> Iterator[Client]:
    """Connect to a cluster, or start one; leave it as it was.

    Parameters
    ----------
    scheduler : str or None
        Address, such as ``tcp://host:8786``; None for workers of this machine.
    workers : int, optional
        How many of these, as many as there are cores by default: each is a process that holds one
        model and computes with one thread.
    scratch : Path
        Where workers of this machine may put what does not fit in memory.
    threads : int
        Of each of them.

    Yields
    ------
    distributed.Client

    Raises
    ------
    OptionError
        If no scheduler answers there.
    """
    with dask.config.set(_SETTINGS):
        if scheduler is not None:
            try:
                client = Client(scheduler, timeout="30s")
            except (OSError, ValueError, TimeoutError) as error:
                raise OptionError(f"no Dask scheduler answers at {scheduler}: {error}") from error
            # that it was lost comes as an error of ours
            with silence_logging_cmgr(logging.CRITICAL), client:
                yield client
            return
        with _out_of_reach():
            cluster = LocalCluster(
                n_workers=workers or count_cores(),
                threads_per_worker=threads,
                processes=True,
                memory_limit=MEMORY,
                dashboard_address="127.0.0.1:0",
                local_directory=str(scratch),
                silence_logs=logging.CRITICAL,
            )
        with cluster, Client(cluster) as client:
            yield client


@contextmanager
def _out_of_reach() -> Iterator[None]:
    """Keep Ctrl-C from threads and processes that begin meanwhile, and from all that these begin.

    A terminal sends it to every process: the command's own ends the others in good order. It waits
    as long as the block lasts.
    """
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    resource_tracker.ensure_running()  # whoever starts it has its signals back
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
