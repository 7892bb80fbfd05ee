"""Real processes, killed and stopped by real signals."""

import contextlib
import os
import random
import signal
import time

import pytest
from children import Children, has_saved, wait_for
from comparison import assert_same_run, lines

from ltpa_tf.checkpoints import Checkpoints

SETTINGS = {
    "train__epochs": 8,
    "train__small_size": 6,
    "train__small_share": 0.34,  # the step is another one from step 11 on
    "augment__crop": 1,
    "augment__cutmix": 1.0,
    "checkpoint__every_steps": 3,
    "runtime__steps_per_call": 1,
    "runtime__deterministic": True,
}


@pytest.fixture(scope="module")
def children(tmp_path_factory):
    children = Children(tmp_path_factory.mktemp("log") / "log")
    yield children
    children.close()


@pytest.fixture(scope="module")
def uninterrupted(children, tmp_path_factory):
    """A whole run, and how many seconds it trained."""
    folder = tmp_path_factory.mktemp("runs") / "uninterrupted"
    process = children.start(folder, **SETTINGS)
    wait_for(has_saved(folder), process)
    start = time.monotonic()
    assert children.exit_code() == 0, children.said()
    return folder, time.monotonic() - start


def test_killed_and_continued_is_the_uninterrupted_run(
    children, uninterrupted, tmp_path
):
    whole, _ = uninterrupted
    folder = tmp_path / "run"
    for step in (6, 15):
        process = children.start(folder, **SETTINGS)
        wait_for(has_saved(folder, step), process)
        os.kill(process, signal.SIGKILL)
        assert children.exit_code() == -signal.SIGKILL
    children.start(folder, **SETTINGS)
    assert children.exit_code() == 0, children.said()
    assert "Continuing after step" in children.said()
    assert_same_run(folder, whole)


@pytest.mark.slow
@pytest.mark.parametrize("trial", range(20))
def test_killed_at_any_moment(children, uninterrupted, tmp_path, trial):
    whole, seconds = uninterrupted
    folder = tmp_path / "run"
    process = children.start(folder, **SETTINGS)
    wait_for(has_saved(folder), process)
    time.sleep(random.Random(trial).uniform(0, 0.95 * seconds))
    with contextlib.suppress(ProcessLookupError):  # faster than the one it is timed by
        os.kill(process, signal.SIGKILL)
    assert children.exit_code() in (0, -signal.SIGKILL)
    children.start(folder, **SETTINGS)
    assert children.exit_code() == 0, children.said()
    assert_same_run(folder, whole)


@pytest.mark.parametrize(
    "number", [signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.slow)]
)
def test_asked_to_stop_it_saves_first(children, uninterrupted, tmp_path, number):
    whole, _ = uninterrupted
    folder = tmp_path / "run"
    process = children.start(folder, **SETTINGS)
    wait_for(has_saved(folder, 6), process)
    os.kill(process, number)
    assert children.exit_code() == 128 + number
    step = Checkpoints(folder / "checkpoints", keep=2).steps()[0]
    assert f"Stopped by {number.name} after step {step}" in children.said()
    assert not (folder / "summary.json").exists()
    children.start(folder, **SETTINGS)
    assert children.exit_code() == 0, children.said()
    assert f"Continuing after step {step}." in children.said()
    assert_same_run(folder, whole)


@pytest.mark.slow  # test_checkpoints.py has the fast version
@pytest.mark.parametrize("damage", ["cut", "flip"])
def test_a_damaged_checkpoint_costs_one_interval(
    children, uninterrupted, tmp_path, damage
):
    whole, _ = uninterrupted
    folder = tmp_path / "run"
    checkpoints = Checkpoints(folder / "checkpoints", keep=2)
    process = children.start(folder, **SETTINGS)
    wait_for(lambda: len(checkpoints.steps()) >= 2, process)
    os.kill(process, signal.SIGKILL)
    assert children.exit_code() == -signal.SIGKILL
    newest, older = checkpoints.steps()[:2]
    file = folder / "checkpoints" / f"step-{newest:08d}.npz"
    content = bytearray(file.read_bytes())
    if damage == "cut":
        content = content[: len(content) // 2]
    else:
        content[len(content) // 3] ^= 4
    file.write_bytes(content)
    children.start(folder, **SETTINGS)
    assert children.exit_code() == 0, children.said()
    said = " ".join(children.said().split())
    assert f"The checkpoint of step {newest} is damaged" in said
    assert f"Continuing after step {older}." in said
    assert_same_run(folder, whole)
    assert len(lines(folder)) == 8
