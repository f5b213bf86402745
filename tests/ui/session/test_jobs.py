"""Lists of targets at work in the background."""

import time
from threading import Event

import pytest

from galexplorer.api.target_run import PART
from galexplorer.api.target_runs import begin_run
from galexplorer.query.target_list import Target, TargetList
from galexplorer.runs.target_run import Outcome
from galexplorer.ui.session.jobs import Job, find_job


def wait(condition, seconds=60):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it takes too long"
        time.sleep(0.02)


@pytest.fixture
def begin(runs):
    """Put a list on disk, and return a job that infers it."""

    def begin(number, infer, name="galaxy"):
        targets = tuple(Target(f"{name} {k}", f"{name} {k}") for k in range(number))
        return Job(begin_run(runs, TargetList(targets), name), infer)

    return begin


def fail(target, tell):
    return Outcome(target, problem=f"No {target.label}.")


def test_a_job_does_every_target_in_order(begin):
    job = begin(2 * PART + 3, fail)
    assert not job.running
    assert job.table() is None
    job.start()
    wait(lambda: not job.running)
    assert list(job.table()["target"]) == [target.label for target in job.targets]
    assert job.run.complete
    assert not job.cancelled


def test_a_bug_in_one_target_stops_no_other(begin, caplog):
    def infer(target, tell):
        if target.label == "galaxy 1":
            raise ZeroDivisionError
        return Outcome(target, problem="No.")

    job = begin(4, infer)
    job.start()
    wait(lambda: not job.running)
    problems = list(job.table()["problem"])
    assert problems[0] == problems[2] == problems[3] == "No."
    assert "unexpected error (ZeroDivisionError)" in problems[1]
    assert "galaxy 1 failed unexpectedly" in caplog.text


def test_cancel_keeps_what_is_done_and_can_be_undone(begin):
    reached, go = Event(), Event()

    def infer(target, tell):
        if target.label == "galaxy 2" and not go.is_set():
            reached.set()
            go.wait(30)
            tell("the next step")  # where a cancelled target ends
        return fail(target, tell)

    job = begin(5, infer)
    job.start()
    assert reached.wait(30)
    assert job.words.startswith("galaxy 2")
    # a page that is loaded again finds it at work
    assert find_job(job.run, infer) is job
    job.cancel()
    go.set()
    wait(lambda: not job.running)
    assert (job.done, job.run.done) == (2, 2)
    again = find_job(job.run, infer)
    assert again is not job  # as another process would: from the disk
    assert len(again.table()) == 2
    again.start()
    wait(lambda: not again.running)
    assert again.run.complete


def test_two_lists_take_turns(begin):
    order = []

    def infer(target, tell):
        order.append(target.label)
        time.sleep(0.01)
        return fail(target, tell)

    long, short = begin(40, infer, "long"), begin(3, infer, "short")
    long.start()
    short.start()
    wait(lambda: not (long.running or short.running))
    assert order.index("short 2") < order.index("long 20")
