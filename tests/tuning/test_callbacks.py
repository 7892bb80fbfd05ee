"""Stopping a trial that is behind the median of the others at the same epoch."""

import json

import keras
import pytest

from ltpa_tf.errors import EnoughError
from ltpa_tf.tuning import histories
from ltpa_tf.tuning.callbacks import MedianStopping, StopAfter


def write(folder, values, objective="val_accuracy"):
    folder.mkdir(parents=True, exist_ok=True)
    lines = [json.dumps({objective: value}) + "\n" for value in values]
    (folder / "metrics.jsonl").write_text("".join(lines))


def others(search, objective="val_accuracy"):
    """Five trials; after 2 epochs their bests are 0.1, 0.3, 0.5 (and none), 0.7."""
    write(search / "trial_0" / "run_0", [0.1, 0.1], objective)
    write(search / "trial_1" / "run_0", [0.3, 0.2], objective)
    write(search / "trial_2" / "run_0", [0.2, 0.5, 0.9], objective)
    write(search / "trial_3" / "run_0", [0.9], objective)  # ended after an epoch
    write(search / "trial_4" / "run_0", [0.6, 0.7], objective)


def is_stopped(search, values, *, from_epoch=1, objective="val_accuracy", epochs=9):
    trial = search / "trial_5"
    write(trial / "run_0", values, objective)
    callback = MedianStopping(trial, trial / "run_0", objective, from_epoch)
    model = keras.Sequential([keras.layers.Dense(1)])
    model.stop_training = False
    callback.set_model(model)
    callback.set_params({"epochs": epochs})
    callback.on_epoch_begin(len(values) - 1)
    callback.on_epoch_end(len(values) - 1)
    verdict = histories.verdict_file(trial / "run_0")
    assert verdict.exists() == model.stop_training
    return model.stop_training


@pytest.mark.parametrize(
    ("values", "stopped"),
    [
        ([0.0, 0.39], True),  # the median of 0.1, 0.3, 0.5, 0.7 is 0.4
        ([0.0, 0.41], False),
        ([0.45, 0.0], False),  # its best counts, not its last
        ([0.1], True),  # after one epoch the median is that of 0.1 .3 .2 .9 .6
        ([0.31], False),
        ([0.1, 0.1, 0.1], False),  # one other trial only has got as far
    ],
)
def test_median_of_the_same_epoch(tmp_path, values, stopped):
    others(tmp_path)
    assert is_stopped(tmp_path, values) == stopped


def test_losses_are_better_below(tmp_path):
    """Lowest losses of two epochs: 0.1, 0.2, 0.2, 0.6, with 0.2 as their median."""
    others(tmp_path, "val_loss")
    assert is_stopped(tmp_path, [0.9, 0.21], objective="val_loss")
    assert not is_stopped(tmp_path, [0.9, 0.19], objective="val_loss")


def test_not_before_its_epoch(tmp_path):
    others(tmp_path)
    assert not is_stopped(tmp_path, [0.0, 0.0], from_epoch=3)


def test_not_after_the_last_epoch(tmp_path):
    others(tmp_path)
    assert not is_stopped(tmp_path, [0.0, 0.0], epochs=2)


def test_few_trials_stop_nothing(tmp_path):
    write(tmp_path / "trial_0" / "run_0", [0.9])
    assert not is_stopped(tmp_path, [0.0])


def test_own_executions_are_no_others(tmp_path):
    others(tmp_path)
    for i in range(1, 9):
        write(tmp_path / "trial_5" / f"run_{i}", [0.0, 0.0])
    assert is_stopped(tmp_path, [0.0, 0.39])


def test_a_run_that_goes_on_has_no_verdict(tmp_path):
    others(tmp_path)
    assert is_stopped(tmp_path, [0.0, 0.0])
    run = tmp_path / "trial_5" / "run_0"
    MedianStopping(run.parent, run, "val_accuracy", 1).on_epoch_begin(1)
    assert not histories.verdict_file(run).exists()


def test_half_a_line_is_not_read(tmp_path):
    file = tmp_path / "metrics.jsonl"
    file.write_text('{"val_accuracy": 0.5}\n{"val_accur')
    assert histories.read(file) == [{"val_accuracy": 0.5}]
    assert histories.read(tmp_path / "missing") == []


def test_values_that_are_not_finite_are_never_best():
    lines = [{"val_loss": float("nan")}, {"val_loss": 2.0}, {"val_loss": 1.0}]
    assert histories.best_line(lines, "val_loss") == {"val_loss": 1.0}
    assert histories.best_line(lines[:1], "val_loss") is None
    assert histories.best_until(lines, 1, "val_loss") is None


def test_stop_after_ends_between_two_epochs():
    callback = StopAfter(2)
    callback.on_epoch_begin(1)
    with pytest.raises(EnoughError):
        callback.on_epoch_begin(2)
