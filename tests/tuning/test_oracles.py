"""What the oracles add to keras-tuner: order, budgets, and going on after a kill."""

import json
import math
import shutil
from pathlib import Path

import pytest

from ltpa_tf.configs import common
from ltpa_tf.configs import search as search_settings
from ltpa_tf.tuning import Space, choice, integer, linear, log
from ltpa_tf.tuning.oracles import make_oracle

pytestmark = pytest.mark.filterwarnings(
    "ignore:currentThread|getName:DeprecationWarning"
)


def settings(**changes):
    search = search_settings.add_to(common.get_config())
    search.update(changes)
    return search


def make(folder, ranges=None, *, epochs=9, seed=0, **changes):
    """An oracle in a folder, with what it saved there."""
    ranges = ranges or [
        log("optimizer.learning_rate", 0.01, 1.0),
        choice("model.head", "concat", "indep"),
    ]
    space = Space(ranges, common.get_config())
    oracle = make_oracle(settings(**changes), space, seed=seed, epochs=epochs)
    oracle.verbose = 0
    oracle._set_project_dir(str(folder.parent), folder.name)
    if (folder / "oracle.json").exists():
        oracle.reload()
    return oracle, space


def quality(trial, space):
    """An objective with its best near a learning rate of 0.1 and the indep head."""
    found = space.settings(trial.hyperparameters.values)
    distance = abs(math.log10(found.get("optimizer.learning_rate", 0.1) / 0.1))
    return 0.9 - 0.2 * distance + 0.05 * (found.get("model.head") == "indep")


def finish(oracle, trial, space, status="COMPLETED"):
    if status == "COMPLETED":
        oracle.update_trial(trial.trial_id, {"val_accuracy": quality(trial, space)})
    trial.status = status
    oracle.end_trial(trial)


def run(oracle, space, most=100):
    """Runs to the end; the values of all trials begun."""
    begun = []
    while len(begun) < most:
        trial = oracle.create_trial("tuner0")
        if trial.status == "STOPPED":
            break
        begun.append(dict(trial.hyperparameters.values))
        finish(oracle, trial, space)
    return begun


ALGORITHMS = {
    "random": {"trials": 8},
    "bayesian": {"trials": 5, "bayesian": {"initial_points": 4, "exploration": 2.6}},
    "hyperband": {"trials": 0},
    "grid": {"trials": 0},
}
GRID = [
    choice("model.head", "concat", "indep"),
    integer("augment.crop", 0, 2),
    linear("optimizer.momentum", 0.8, 0.9, step=0.05),
]


def arguments(algorithm):
    ranges = GRID if algorithm == "grid" else None
    return {"ranges": ranges, "algorithm": algorithm, **ALGORITHMS[algorithm]}


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_same_seed_same_trials(tmp_path, algorithm):
    first = run(*make(tmp_path / "a", **arguments(algorithm)))
    second = run(*make(tmp_path / "b", **arguments(algorithm)))
    assert first == second
    assert len(first) >= 5
    if algorithm != "grid":  # which has no use for a seed
        other = run(*make(tmp_path / "c", seed=1, **arguments(algorithm)))
        assert first[1:] != other[1:]


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_the_first_trial_is_the_config_as_it_is(tmp_path, algorithm):
    ranges = arguments(algorithm)["ranges"] or [
        log("optimizer.learning_rate", 0.01, 1.0),
        choice("model.head", "indep", "concat"),
    ]
    oracle, space = make(tmp_path / "a", **arguments(algorithm) | {"ranges": ranges})
    trial = oracle.create_trial("tuner0")
    found = space.settings(trial.hyperparameters.values)
    assert {key: space.current(key) for key in found} == found


def test_grid_takes_every_combination_once(tmp_path):
    found = run(*make(tmp_path / "a", GRID, algorithm="grid", trials=0))
    assert len(found) == len({json.dumps(values) for values in found}) == 2 * 3 * 3


@pytest.mark.parametrize("files", ["before", "between", "after"])
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_search_killed_at_any_moment_goes_on(tmp_path, algorithm, files):
    """The files as a kill leaves them at three moments around a trial's begin and end.

    "before" has a trial begun that `oracle.json` does not know yet; "between" a trial
    whose end `oracle.json` does not know yet; "after" everything of a trial that runs.
    """
    whole = run(*make(tmp_path / "whole", **arguments(algorithm)))
    folder = tmp_path / "killed"
    oracle, space = make(folder, **arguments(algorithm))
    begun = run(oracle, space, most=3)
    stale = tmp_path / "stale.json"
    if files == "before":
        shutil.copy(folder / "oracle.json", stale)
        oracle.create_trial("tuner0")
        shutil.copy(stale, folder / "oracle.json")
    elif files == "between":
        trial = oracle.create_trial("tuner0")
        begun.append(dict(trial.hyperparameters.values))
        shutil.copy(folder / "oracle.json", stale)
        finish(oracle, trial, space)
        shutil.copy(stale, folder / "oracle.json")
    else:
        trial = oracle.create_trial("tuner0")
        oracle.update_trial(trial.trial_id, {"val_accuracy": 0.123})

    again, space = make(folder, **arguments(algorithm))
    begun += run(again, space)
    trials = list(again.trials.values())
    assert [trial.status for trial in trials] == ["COMPLETED"] * len(trials)
    assert len(again.end_order) == len(set(again.end_order)) == len(trials)
    for trial in trials:
        assert trial.metrics.get_history("val_accuracy")[0].value == [
            quality(trial, space)
        ]
    if algorithm == "bayesian":  # its optimizer's random starts are drawn anew
        assert len(begun) == len(whole)
    elif algorithm == "grid":  # neighbours may be taken in another order
        assert sorted(map(str, begun)) == sorted(map(str, whole))
    else:
        assert begun == whole


def test_hyperband_lets_the_best_go_on(tmp_path):
    oracle, space = make(tmp_path / "a", algorithm="hyperband", trials=0)
    run(oracle, space)
    rungs = {}
    for trial in oracle.trials.values():
        values = trial.hyperparameters.values
        if values["tuner/bracket"] == 2 and values["tuner/round"] == 0:
            rungs[trial.trial_id] = trial.score
    promoted = [
        trial.hyperparameters.values
        for trial in oracle.trials.values()
        if trial.hyperparameters.values["tuner/bracket"] == 2
        and trial.hyperparameters.values["tuner/round"] == 1
    ]
    best = sorted(rungs, key=rungs.get, reverse=True)[: len(promoted)]
    assert sorted(values["tuner/trial_id"] for values in promoted) == sorted(best)
    assert {values["tuner/initial_epoch"] for values in promoted} == {1}
    assert {values["tuner/epochs"] for values in promoted} == {3}


def test_failures_in_a_row_end_the_search(tmp_path):
    oracle, space = make(tmp_path / "a", trials=20, failures=3)
    for status in ("FAILED", "FAILED", "COMPLETED", "FAILED", "FAILED", "FAILED"):
        assert oracle.stop_reason is None
        finish(oracle, oracle.create_trial("tuner0"), space, status)
    assert oracle.create_trial("tuner0").status == "STOPPED"
    assert "the last 3 trials failed" in oracle.stop_reason


def test_hours_are_counted_over_all_starts(tmp_path):
    changes = {"trials": 0, "hours": 0.5}
    oracle, space = make(tmp_path / "a", **changes)
    run(oracle, space, most=1)
    oracle._clock -= 0.3 * 3600  # as if so much time had gone by
    run(oracle, space, most=1)
    again, space = make(tmp_path / "a", **changes)
    assert 0.3 * 3600 <= again.seconds_spent < 0.31 * 3600
    assert len(run(again, space, most=1)) == 1
    again._clock -= 0.25 * 3600
    assert run(again, space) == []
    assert "search.hours are over" in again.stop_reason


def test_files_are_whole(tmp_path, monkeypatch):
    """A kill while `oracle.json` is written leaves the one before."""
    oracle, space = make(tmp_path / "a")
    run(oracle, space, most=2)
    before = (tmp_path / "a" / "oracle.json").read_text()

    def killed(self, target):
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", killed)
    with pytest.raises(KeyboardInterrupt):
        oracle.save()
    monkeypatch.undo()
    assert (tmp_path / "a" / "oracle.json").read_text() == before
    json.loads(before)
