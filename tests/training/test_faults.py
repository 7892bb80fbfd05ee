"""Real processes, killed and stopped by real signals."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from comparison import assert_same_run, lines

from ltpa_tf.training.checkpoints import Checkpoints

SETTINGS = {
    "train.epochs": 8,
    "augment.crop": 1,
    "augment.cutmix": 1.0,
    "checkpoint.every_steps": 3,
    "runtime.steps_per_call": 1,
    "runtime.deterministic": True,
}
PATIENCE = 120.0


class Children:
    """Starts training processes, one at a time."""

    def __init__(self, log: Path):
        self._log = log
        self._server = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("tiny.py"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"},
        )

    def start(self, workdir: Path, devices=1, environment=None, **settings) -> int:
        """The number of a process that trains in the folder."""
        settings = {key.replace("__", "."): value for key, value in settings.items()}
        order = {
            "workdir": str(workdir),
            "settings": SETTINGS | settings,
            "log": str(self._log),
            "devices": devices,
            "environment": environment or {},
        }
        self._log.write_text("")
        self._server.stdin.write(json.dumps(order) + "\n")
        self._server.stdin.flush()
        return int(self._server.stdout.readline())

    def exit_code(self) -> int:
        """Waits for the process; negative: the signal that ended it."""
        return int(self._server.stdout.readline())

    def said(self) -> str:
        """What the last process printed."""
        return self._log.read_text()

    def close(self):
        self._server.stdin.close()
        self._server.stdout.close()
        self._server.wait()


@pytest.fixture(scope="module")
def children(tmp_path_factory):
    children = Children(tmp_path_factory.mktemp("log") / "log")
    yield children
    children.close()


@pytest.fixture(scope="module")
def uninterrupted(children, tmp_path_factory):
    """A whole run, and how many seconds it trained."""
    folder = tmp_path_factory.mktemp("runs") / "uninterrupted"
    process = children.start(folder)
    wait_for(folder / "checkpoints", process)
    start = time.monotonic()
    assert children.exit_code() == 0
    return folder, time.monotonic() - start


def wait_for(file: Path, process: int):
    """Waits until the process has made the file."""
    end = time.monotonic() + PATIENCE
    while not file.exists():
        os.kill(process, 0)  # raises if it has ended
        assert time.monotonic() < end, f"no {file}"
        time.sleep(0.005)


def kill_at(children, folder, seconds):
    """Starts a run and kills it so long after its first save; whether it was alive."""
    process = children.start(folder)
    wait_for(folder / "checkpoints", process)
    time.sleep(seconds)
    os.kill(process, signal.SIGKILL)
    return children.exit_code() == -signal.SIGKILL


def test_killed_and_continued_is_the_uninterrupted_run(
    children, uninterrupted, tmp_path
):
    whole, seconds = uninterrupted
    folder = tmp_path / "run"
    for share in (0.2, 0.5):
        assert kill_at(children, folder, share * seconds)
    children.start(folder)
    assert children.exit_code() == 0
    assert "Continuing after step" in children.said()
    assert_same_run(folder, whole)


@pytest.mark.slow
@pytest.mark.parametrize("trial", range(20))
def test_killed_at_any_moment(children, uninterrupted, tmp_path, trial):
    whole, seconds = uninterrupted
    moment = random.Random(trial).uniform(0, 0.95 * seconds)
    kill_at(children, tmp_path / "run", moment)
    children.start(tmp_path / "run")
    assert children.exit_code() == 0
    assert_same_run(tmp_path / "run", whole)


@pytest.mark.parametrize(
    "number", [signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.slow)]
)
def test_asked_to_stop_it_saves_first(children, uninterrupted, tmp_path, number):
    whole, seconds = uninterrupted
    folder = tmp_path / "run"
    process = children.start(folder)
    wait_for(folder / "checkpoints", process)
    time.sleep(0.3 * seconds)
    os.kill(process, number)
    assert children.exit_code() == 128 + number
    step = Checkpoints(folder / "checkpoints", keep=2).steps()[0]
    assert f"Stopped by {number.name} after step {step}" in children.said()
    assert not (folder / "summary.json").exists()
    children.start(folder)
    assert children.exit_code() == 0
    assert f"Continuing after step {step}." in children.said()
    assert_same_run(folder, whole)


@pytest.mark.slow  # test_checkpoints.py has the fast version
@pytest.mark.parametrize("damage", ["cut", "flip"])
def test_a_damaged_checkpoint_costs_one_interval(
    children, uninterrupted, tmp_path, damage
):
    whole, seconds = uninterrupted
    folder = tmp_path / "run"
    assert kill_at(children, folder, 0.5 * seconds)
    checkpoints = Checkpoints(folder / "checkpoints", keep=2)
    newest, older = checkpoints.steps()[:2]
    file = folder / "checkpoints" / f"step-{newest:08d}.npz"
    content = bytearray(file.read_bytes())
    if damage == "cut":
        content = content[: len(content) // 2]
    else:
        content[len(content) // 3] ^= 4
    file.write_bytes(content)
    children.start(folder)
    assert children.exit_code() == 0
    said = " ".join(children.said().split())
    assert f"The checkpoint of step {newest} is damaged" in said
    assert f"Continuing after step {older}." in said
    assert_same_run(folder, whole)
    assert len(lines(folder)) == 8
