"""The program: killed and started again, on several machines, and its sentences."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import forked
import pytest
from ports import free_port

ROOT = Path(__file__).parents[2]
PATIENCE = 900.0  # seconds; only what hangs takes so long

CONFIG = """
from ltpa_tf.configs import common, search as search_settings
from ltpa_tf.tuning import choice, log

def get_config():
    config = common.get_config()
    config.data.train_examples = 128
    config.data.validation_examples = 32
    config.model.trunk = "vgg_d"
    config.model.levels = (10,)
    config.model.width = 0.02
    config.model.dropout = 0.0
    config.train.batch_size = 4
    config.train.epochs = {epochs}
    config.log.images = 0
    config.log.tensorboard = False
    config.runtime.strategy = "none"
    search = search_settings.add_to(config)
    search.update({search})
    search.space = {space}
    return config
"""


@pytest.fixture
def make_config(tmp_path):
    def make(*, epochs, space, **search):
        file = tmp_path / "tune_it.py"
        file.write_text(CONFIG.format(epochs=epochs, space=space, search=search))
        return file

    return make


class Program(subprocess.Popen):
    """The program; what it prints goes to a file."""

    def __init__(self, log, *flags, **environment):
        self.log = log
        with log.open("w") as stream:
            super().__init__(
                [sys.executable, "-m", "pipelines.tune", *flags],
                stdout=stream,
                stderr=subprocess.STDOUT,
                cwd=ROOT,
                env=os.environ | environment,
            )

    @property
    def said(self):
        return self.log.read_text()


@pytest.fixture
def start(tmp_path):
    """Starts the program; whatever still runs is killed at the end."""
    running = []

    def begin(config, workdir, *flags, **environment):
        flags = [f"--config={config}", f"--workdir={workdir}", *flags]
        log = tmp_path / f"said-{len(running)}.txt"
        running.append(Program(log, *flags, **environment))
        return running[-1]

    yield begin
    for process in running:
        process.kill()
        process.wait()


def trials_of(workdir):
    """The rows of trials.csv without what is measured in seconds."""
    with (workdir / "trials.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    for row in rows:
        del row["seconds"]
    return rows


def epochs_of(run):
    file = run / "metrics.jsonl"
    return len(file.read_text().splitlines()) if file.exists() else 0


def wait_for(condition, process=None):
    """Waits for a state; `process` is to be alive until then."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert process is None or process.poll() is None, process.said
        assert time.monotonic() < end, "it takes too long"
        time.sleep(0.02)


def children_of(process):
    files = Path(f"/proc/{process.pid}/task").glob("*/children")
    return [int(number) for file in files for number in file.read_text().split()]


def is_running(number):
    """Whether there is such a process, and it isn't one that only waits to be read."""
    try:
        status = Path(f"/proc/{number}/status").read_text()
    except OSError:
        return False
    return "\nState:\tZ" not in status


def end(process, code=0):
    process.wait(PATIENCE)
    assert process.returncode == code, process.said
    return process.said


RATES = '(log("optimizer.learning_rate", 0.01, 0.1),)'


@pytest.mark.slow
def test_a_killed_search_goes_on_at_the_trial_and_epoch(make_config, start, tmp_path):
    """Asked to stop in its first trial, killed in its second."""
    config = make_config(epochs=25, space=RATES, trials=3)
    workdir = tmp_path / "killed"
    starts = []
    for trial, how, code in (("0", signal.SIGTERM, 143), ("1", signal.SIGKILL, -9)):
        process = start(config, workdir)
        run = workdir / f"trial_{trial}" / "run_0"
        wait_for(lambda run=run: epochs_of(run) >= 2, process)
        (training,) = children_of(process)
        process.send_signal(how)
        starts.append(end(process, code))
        wait_for(lambda it=training: not is_running(it))  # it ends with its search
        assert epochs_of(run) < 25
    first = (workdir / "trial_0" / "run_0" / "summary.json").stat().st_mtime_ns
    starts.append(end(start(config, workdir)))
    assert [said.count("Continuing after step") for said in starts] == [0, 1, 1]
    assert "trial 0 (" not in starts[-1], "a finished trial is not run again"
    assert (workdir / "trial_0/run_0/summary.json").stat().st_mtime_ns == first
    assert json.loads((workdir / "search_summary.json").read_text())["completed"] == 3

    whole = tmp_path / "whole"
    end(start(config, whole, "--config.search.process_per_trial=False"))
    assert trials_of(workdir) == trials_of(whole)


def chief_address():
    return {
        "KERASTUNER_ORACLE_IP": "127.0.0.1",
        "KERASTUNER_ORACLE_PORT": str(free_port()),
    }


@pytest.mark.slow
def test_one_chief_and_two_workers(make_config, start, tmp_path):
    """A grid of four trials, two of which can't be trained."""
    config = make_config(
        epochs=4,
        space=(
            '(choice("optimizer.learning_rate", 0.1, 0.02),'
            ' choice("train.batch_size", 8, 4096))'
        ),
        algorithm="grid",
    )
    address = chief_address()
    workdir = tmp_path / "search"

    def begin(name, *flags):
        return start(config, workdir, *flags, KERASTUNER_TUNER_ID=name, **address)

    workers = [begin("worker-0"), begin("worker-1")]
    other = begin("worker-2", "--config.train.epochs=5")
    for worker in (*workers, other):
        wait_for(lambda worker=worker: "Waiting for the chief" in worker.said, worker)
    chief = begin("chief")
    assert "a search with train.epochs = 4, and not 5" in end(other, code=2)
    said = [end(worker) for worker in workers]
    shown = end(chief)
    rows = trials_of(workdir)
    assert sorted(row["status"] for row in rows) == ["COMPLETED"] * 2 + ["FAILED"] * 2
    assert {
        (row["optimizer.learning_rate"], row["train.batch_size"]) for row in rows
    } == {("0.1", "8"), ("0.1", "4096"), ("0.02", "8"), ("0.02", "4096")}
    for row in rows:
        assert ("train.batch_size" in row["note"]) == (row["status"] == "FAILED")
    # Each trial ran on one worker, and both had work.
    assert sum(text.count("\ntrial ") for text in said) == 4
    assert all("\ntrial " in text for text in said)
    assert "2 trials completed, 2 failed" in shown
    assert (workdir / "best_config.py").exists()

    # Who comes too late doesn't wait for a chief; nor does the chief for workers.
    assert "is over" in end(begin("worker-2"))
    assert "2 trials completed, 2 failed" in end(begin("chief"))


@pytest.mark.slow
def test_a_worker_that_died_goes_on_with_its_trial(make_config, start, tmp_path):
    config = make_config(epochs=25, space=RATES, trials=2)
    workdir = tmp_path / "search"
    address = chief_address()
    chief = start(config, workdir, KERASTUNER_TUNER_ID="chief", **address)
    worker = start(config, workdir, KERASTUNER_TUNER_ID="worker-0", **address)
    wait_for(lambda: epochs_of(workdir / "trial_0" / "run_0") >= 2, worker)
    (training,) = children_of(worker)
    worker.kill()
    end(worker, -9)
    wait_for(lambda: not is_running(training))
    again = start(config, workdir, KERASTUNER_TUNER_ID="worker-0", **address)
    assert end(again).count("Continuing after step") == 1
    assert "2 trials completed, 0 failed" in end(chief)


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--config.search.algorithm=magic"], "random, hyperband, bayesian, grid"),
        (["--config.search.trial=3"], "search.trial"),
    ],
)
def test_mistakes_are_sentences(make_config, tmp_path, flags, said):
    config = make_config(epochs=1, space=RATES)
    search = tmp_path / "search"
    flags = [f"--config={config}", f"--workdir={search}", *flags]
    done = forked.run("pipelines.tune", *flags)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert not search.exists()


def test_a_training_config_is_no_search(start, tmp_path):
    text = end(start(ROOT / "configs" / "quickstart.py", tmp_path / "search"), code=2)
    assert "tune_quickstart.py" in text


@pytest.mark.slow
def test_memory_does_not_grow_from_trial_to_trial(make_config, start, tmp_path):
    """30 trials in one process; the level of the first ten is kept."""
    config = make_config(epochs=1, space=RATES, trials=30, process_per_trial=False)
    process = start(config, tmp_path / "search")
    status = Path(f"/proc/{process.pid}/status")
    highest = {}
    while process.poll() is None:
        done = len(list((tmp_path / "search").glob("trial_*/run_0/summary.json")))
        kilobytes = next(
            (
                int(line.split()[1])
                for line in status.read_text().splitlines()
                if line.startswith("VmRSS")
            ),
            0,
        )
        highest[done] = max(highest.get(done, 0), kilobytes)
        time.sleep(0.2)
    end(process)
    early = max(highest[done] for done in range(5, 11) if done in highest)
    late = max(highest[done] for done in range(25, 30) if done in highest)
    assert late - early < 100_000, highest
