"""Whole searches with the real trainer, on very little."""

import csv
import fcntl
import importlib.util
import json
import os
import resource
import shlex
import signal
import threading
import time
from pathlib import Path

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams import metadata

from ltpa_tf import config as config_lib
from ltpa_tf import run, training, tuning
from ltpa_tf.configs import common
from ltpa_tf.errors import SettingError
from ltpa_tf.tuning import choice, linear, log
from ltpa_tf.tuning.execution import FAILED, Execution

pytestmark = pytest.mark.filterwarnings(
    "ignore:currentThread|getName:DeprecationWarning"
)


def start(config, workdir):
    return tuning.search(config, workdir, defaults=common.get_config())


def trials_of(workdir):
    with (workdir / "trials.csv").open() as stream:
        return list(csv.DictReader(stream))


def load_config(file):
    spec = importlib.util.spec_from_file_location("best_config", file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.get_config()


def test_failing_and_diverging_trials_are_recorded(search_config, tmp_path, capsys):
    """Of four trials one can be trained; what the search leaves is complete."""
    search_config.search.algorithm = "grid"
    search_config.search.space = (
        choice("optimizer.learning_rate", 0.05, 1e30),
        choice("train.batch_size", 16, 4096),
    )
    workdir = tmp_path / "search"
    summary = start(search_config, workdir)
    assert summary["completed"] == 1
    assert summary["failed"] == 3
    assert summary["best"]["settings"] == {
        "optimizer.learning_rate": 0.05,
        "train.batch_size": 16,
    }
    found = trials_of(workdir)
    notes = {
        (row["optimizer.learning_rate"], row["train.batch_size"]): row["note"]
        for row in found
    }
    assert "not finite" in notes["1e+30", "16"]
    assert "train.batch_size" in notes["0.05", "4096"]
    assert [row["status"] for row in found].count("FAILED") == 3

    # What is on screen: each trial's fate, and what to do next.
    said, errors = capsys.readouterr()
    assert "failed: " in said
    assert "Traceback" not in said + errors
    file = shlex.quote(f"{workdir}/best_config.py")
    assert f"--config={file}" in said

    # The best config is the trial's, to the last setting.
    best = load_config(workdir / "best_config.py")
    folder = run.RunFolder(workdir / "trial_00" / "run_0")
    assert config_lib.differences(best, folder.read_config()) == []
    assert folder.load_model("best").output_shape == (None, 10)

    # The same command finds nothing left to do.
    before = (workdir / "trials.csv").read_text()
    assert start(search_config, workdir)["best"] == summary["best"]
    assert (workdir / "trials.csv").read_text() == before

    # Another space in the same folder would mix two searches.
    search_config.search.space = (choice("train.batch_size", 16, 32),)
    with pytest.raises(SettingError, match=r"another search\.space"):
        start(search_config, workdir)


def sessions_of(workdir):
    """The folders that TensorBoard's HParams page has a line for."""
    files = {file.parent for file in workdir.rglob("events.out.tfevents.*")}
    return {
        str(folder.relative_to(workdir))
        for folder in files
        if metadata.SESSION_START_INFO_TAG
        in EventAccumulator(str(folder)).Reload().summary_metadata
    }


def test_executions_are_seeds_and_their_mean_counts(search_config, tmp_path):
    search_config.log.tensorboard = True
    search_config.search.trials = 1
    search_config.search.executions = 2
    search_config.search.space = (log("optimizer.learning_rate", 0.01, 0.1),)
    summary = start(search_config, tmp_path / "search")
    folders = [
        run.RunFolder(tmp_path / "search" / "trial_0" / f"run_{i}") for i in range(2)
    ]
    assert [folder.read_config().seed for folder in folders] == [0, 1]
    values = [
        json.loads(folder.metrics_file.read_text())["val_accuracy"]
        for folder in folders
    ]
    assert summary["best"]["val_accuracy"] == pytest.approx(sum(values) / 2)
    row = trials_of(tmp_path / "search")[0]
    assert float(row["spread"]) == pytest.approx(abs(values[0] - values[1]) / 2**0.5)
    # A trial is one line of the HParams page; its curves are below it.
    assert sessions_of(tmp_path / "search") == {"trial_0"}
    assert list((tmp_path / "search").glob("trial_0/run_*/events/events.out.*"))


def test_the_best_trials_keep_their_models(search_config, tmp_path):
    search_config.search.space = (log("optimizer.learning_rate", 0.01, 0.1),)
    # All of two, and, as the search goes on, the best one of three.
    for trials, keep_models, kept in ((2, 0, 2), (3, 1, 1)):
        search_config.search.trials = trials
        search_config.search.keep_models = keep_models
        best = start(search_config, tmp_path / "search")["best"]["trial"]
        files = list(tmp_path.glob("search/trial_*/run_0/model.keras"))
        assert len(files) == kept
        assert tmp_path / f"search/trial_{best}/run_0/model.keras" in files


@pytest.mark.slow
def test_a_promoted_trial_is_the_run_that_was_never_stopped(search_config, tmp_path):
    """Hyperband's rungs take 1 and 2 epochs; the schedule is that of 2 throughout.

    Batch norm's statistics go on, too.
    """
    search_config.train.epochs = 2
    search_config.search.algorithm = "hyperband"
    search_config.search.hyperband.factor = 2
    search_config.search.trials = 3
    search_config.search.space = (choice("optimizer.learning_rate", 0.05, 0.02),)
    start(search_config, tmp_path / "search")
    found = trials_of(tmp_path / "search")
    assert [row["epochs"] for row in found] == ["1", "1", "2"]
    promoted = run.RunFolder(tmp_path / "search" / "trial_2" / "run_0")
    summary = json.loads(promoted.summary_file.read_text())
    straight = training.train(promoted.read_config(), tmp_path / "straight")
    assert straight["weights_sha256"] == summary["weights_sha256"]


@pytest.mark.slow
def test_a_process_of_its_own_gives_the_same_run(attached_config, tmp_path):
    task = Execution(
        config=config_lib.to_json(attached_config),
        trial_folder=str(tmp_path / "trial_0"),
        number=0,
        objective="val_accuracy",
    )
    (tmp_path / "trial_0").mkdir()
    assert task.run_apart() == 0
    apart = json.loads(task.folder.summary_file.read_text())
    here = training.train(attached_config, tmp_path / "here")
    # Not to the last bit: the tests' own process has another number of threads.
    assert apart["metrics"]["loss"] == pytest.approx(here["metrics"]["loss"], rel=1e-3)
    assert apart["steps"] == here["steps"]


def test_a_process_that_is_killed_fails_its_trial_alone(attached_config, tmp_path):
    """As where memory runs out."""
    task = Execution(config_lib.to_json(attached_config), str(tmp_path), 0, "val_loss")

    def kill_the_child():
        children = Path(f"/proc/self/task/{thread.native_id}/children")
        while not (found := children.read_text().split()):
            time.sleep(0.01)
        os.kill(int(found[0]), signal.SIGKILL)

    thread = threading.Thread(target=lambda: codes.append(task.run_apart()))
    codes = []
    thread.start()
    kill_the_child()
    thread.join()
    assert codes == [-9]
    assert "killed by signal 9; out of memory?" in task.reason_file.read_text()


def test_a_process_that_cannot_train_says_why(attached_config, tmp_path):
    attached_config.train.batch_size = 4096
    task = Execution(config_lib.to_json(attached_config), str(tmp_path), 0, "val_loss")
    assert task.run_apart() == FAILED
    assert "train.batch_size" in task.reason_file.read_text()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"data.validation_examples": 0}, "or data.validation_share above 0"),
        ({"search.algorithm": "genetic"}, "random, hyperband, bayesian, grid"),
        ({"search.objective": "accuracy"}, "val_accuracy, val_loss"),
        ({"search.executions": 0}, "1 or more"),
        ({"search.trials": 0}, "search.hours above 0"),
        ({"search.algorithm": "grid"}, "a step, or a choice"),
        ({"search.algorithm": "hyperband", "train.epochs": 2}, "train.epochs"),
        (
            {
                "search.algorithm": "hyperband",
                "train.epochs": 9,
                "search.median_from_epoch": 2,
            },
            "stops trials by itself",
        ),
        ({"runtime.strategy": "multi_worker"}, "one machine"),
        ({"runtime.strategy": "mirrored"}, "search.process_per_trial"),
        ({"train.label_smoothing": 1.5}, "train.label_smoothing"),
        ({"optimizer.name": "adamv"}, "adamw"),
        ({"search.hours": float("nan")}, "search.hours"),
    ],
)
def test_what_cannot_be_searched_is_refused_first(
    search_config, tmp_path, change, said
):
    search_config.search.space = (linear("train.ema", 0.0, 0.9),)
    search_config.update_from_flattened_dict(change)
    with pytest.raises(SettingError) as error:
        start(search_config, tmp_path / "search")
    assert said in str(error.value)
    assert not (tmp_path / "search").exists()


@pytest.mark.parametrize(
    ("strategy", "said"),
    [("multi_worker", "one machine"), ("mirrored", "search.process_per_trial")],
)
def test_a_strategy_in_the_space_is_checked_too(
    search_config, tmp_path, strategy, said
):
    search_config.search.space = (choice("runtime.strategy", "none", strategy),)
    with pytest.raises(SettingError, match=said):
        start(search_config, tmp_path / "search")


def test_the_config_of_a_search_can_be_trained(search_config, tmp_path):
    """As it is, without the search; and the run can be started again."""
    search_config.search.space = (choice("model.levels", ("coarse",), ("fine",)),)
    for _ in range(2):
        assert training.train(search_config, tmp_path / "run")["epochs"] == 1


def test_a_folder_is_a_runs_or_a_searchs(search_config, tmp_path):
    search_config.search.space = (linear("train.ema", 0.0, 0.9),)
    for file, begin, said in (
        ("config.json", start, "holds a run"),
        ("search.json", training.train, "holds a search"),
    ):
        folder = tmp_path / said
        folder.mkdir()
        (folder / file).write_text("{}")
        with pytest.raises(SettingError, match=said):
            begin(search_config, folder)
        assert [found.name for found in folder.iterdir()] == [file]


def test_one_search_at_a_time(search_config, tmp_path):
    search_config.search.space = (linear("train.ema", 0.0, 0.9),)
    with (tmp_path / ".tuner0.lock").open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        with pytest.raises(SettingError, match="no other search"):
            start(search_config, tmp_path)


def test_half_an_address_of_the_chief_is_refused(search_config, tmp_path, monkeypatch):
    search_config.search.space = (linear("train.ema", 0.0, 0.9),)
    monkeypatch.setenv("KERASTUNER_ORACLE_IP", "127.0.0.1")
    with pytest.raises(SettingError, match="KERASTUNER_ORACLE_PORT"):
        start(search_config, tmp_path)


def test_what_is_wrong_in_all_trials_ends_the_first(search_config, tmp_path):
    search_config.data.name = "npz"
    search_config.data.dir = str(tmp_path / "missing.npz")
    search_config.search.space = (linear("train.ema", 0.0, 0.9),)
    with pytest.raises(tuning.SearchError, match=r"data\.dir.*missing\.npz"):
        start(search_config, tmp_path / "search")
    assert len(list((tmp_path / "search").glob("trial_*"))) == 1


def test_a_full_disk_is_a_sentence(search_config, tmp_path):
    """Here, a limit on the length of files."""
    search_config.search.space = (linear("train.ema", 0.0, 0.9),)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, limits[1]))
    try:
        with pytest.raises(tuning.SearchError, match="can't be written to any more"):
            start(search_config, tmp_path / "search")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def test_without_a_completed_trial_there_is_no_result(search_config, tmp_path):
    search_config.search.trials = 2
    search_config.train.batch_size = 4096
    search_config.search.space = (linear("train.ema", 0.0, 0.9),)
    with pytest.raises(tuning.SearchError, match=r"none of 2 trials.*batch_size"):
        start(search_config, tmp_path / "search")
