"""Whole runs of the tiny model."""

import dataclasses
import json
import re
import shutil
from pathlib import Path

import keras
import numpy as np
import pytest
import tiny
from comparison import assert_same_run, lines, weights

from ltpa_tf.checkpoints import Checkpoints
from ltpa_tf.errors import SettingError
from ltpa_tf.run import RunFolder
from ltpa_tf.training import CheckpointError, NonFiniteError, train
from ltpa_tf.training.user_callbacks import check_monitors


class Crash(Exception):
    pass


class CrashAt(keras.callbacks.Callback):
    """Ends the process's run as a defect would, before anything is saved."""

    def __init__(self, batches):
        super().__init__()
        self.left = batches

    def on_train_batch_end(self, batch, logs=None):
        self.left -= 1
        if self.left == 0:
            raise Crash


@pytest.fixture
def run(config, source, build, tmp_path):
    """Trains in a folder of that name."""

    def run(name, callbacks=(), build_model=None, **settings):
        config.update_from_flattened_dict(
            {key.replace("__", "."): value for key, value in settings.items()}
        )
        train(
            config,
            tmp_path / name,
            callbacks=callbacks,
            source=source,
            build=build_model or build(),
        )
        return tmp_path / name

    return run


@pytest.fixture(scope="module")
def finished_once(tmp_path_factory, source, build):
    folder = tmp_path_factory.mktemp("finished")
    train(tiny.make_config(), folder, source=source, build=build())
    return folder


@pytest.fixture
def finished(finished_once, tmp_path):
    """A finished run of the default settings, called "a"."""
    return shutil.copytree(finished_once, tmp_path / "a")


def test_a_run_learns_and_leaves_a_complete_folder(run, capsys):
    folder = RunFolder(run("a", train__epochs=3))
    assert [line["epoch"] for line in lines(folder.path)] == [1, 2, 3]
    assert [line["step"] for line in lines(folder.path)] == [4, 8, 12]
    losses = [line["loss"] for line in lines(folder.path)]
    assert losses[0] > losses[1] > losses[2]
    summary = json.loads(folder.summary_file.read_text())
    assert summary["steps"] == 12
    assert summary["metrics"]["val_accuracy"] > 0.9
    assert folder.read_dataset()["sizes"] == {"train": 70, "validation": 23, "test": 10}
    assert "epoch 3/3" in capsys.readouterr().err
    left = {file.name for file in folder.path.iterdir()}
    assert left == {
        "best.keras",
        "checkpoints",
        "config.json",
        "dataset.json",
        "metrics.jsonl",
        "model.keras",
        "summary.json",
    }


def test_norms_of_weights_and_of_the_last_update(run, finished):
    arrays, _ = Checkpoints(finished / "checkpoints", keep=2).latest()
    values = [v for name, v in arrays.items() if name.startswith("trainable.")]
    norm = np.sqrt(sum(np.square(v).sum() for v in values))
    assert lines(finished)[-1]["weight_norm"] == pytest.approx(norm, rel=1e-5)
    # Gradient descent without momentum and decay, one step an epoch.
    run_b = run(
        "b",
        optimizer__schedule="constant",
        optimizer__momentum=0.0,
        optimizer__nesterov=False,
        optimizer__weight_decay=0.0,
        train__batch_size=70,
    )
    for line in lines(run_b):
        expected = line["learning_rate"] * line["gradient_norm"]
        assert line["update_norm"] == pytest.approx(expected, rel=1e-4)


class Watch(keras.callbacks.Callback):
    """Looks at everything and changes nothing."""

    def __init__(self, images):
        super().__init__()
        self.images = images
        self.began, self.ended, self.rates, self.logits = [], [], [], []

    def on_train_batch_begin(self, batch, logs=None):
        self.began.append(batch)

    def on_train_batch_end(self, batch, logs=None):
        assert np.isfinite(logs["loss"])
        self.ended.append((batch, int(self.model.optimizer.iterations)))

    def on_epoch_end(self, epoch, logs=None):
        self.rates.append(float(self.model.optimizer.learning_rate))
        self.logits.append(np.array(self.model(self.images, training=False)))


@pytest.fixture(scope="module")
def watched(tmp_path_factory, source, build):
    """A run of the default settings in calls of two steps, and who watched it."""
    folder = tmp_path_factory.mktemp("watched")
    watch = Watch(source.test.array.astype("float32"))
    config = tiny.make_config()
    config.runtime.steps_per_call = 2
    train(config, folder, callbacks=[watch], source=source, build=build())
    return folder, watch


def test_same_seed_twice_is_the_same_run(watched, finished):
    """Whoever watches, and whatever steps are one call."""
    assert_same_run(watched[0], finished)


def test_another_seed_is_another_run(run, finished):
    assert lines(run("b", seed=1)) != lines(finished)


def test_continued_after_a_crash_is_the_uninterrupted_run(run, tmp_path):
    settings = {
        "train__small_size": 6,  # images are whole from step 5 on
        "train__small_share": 0.4,
        "train__epochs": 3,
        "train__ema": 0.9,
        "augment__cutmix": 1.0,
        "augment__crop": 1,
        "checkpoint__every_steps": 3,
        "runtime__steps_per_call": 1,
    }
    whole = run("whole", **settings)
    for batches in (2, 7):  # before the first checkpoint, and after
        with pytest.raises(Crash):
            run("cut", callbacks=[CrashAt(batches)], **settings)
    assert not (tmp_path / "cut" / "summary.json").exists()
    assert_same_run(run("cut", **settings), whole)


@pytest.mark.slow
def test_a_rate_that_a_callback_chose_survives_a_crash(run, tmp_path):
    class Lower(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            if epoch == 0:
                self.model.optimizer.learning_rate = 0.01

    settings = {"optimizer__schedule": "constant", "train__epochs": 4}
    settings["checkpoint__every_steps"] = 4  # at the end of every epoch, come what may
    whole = run("whole", [Lower()], **settings)
    rates = [line["learning_rate"] for line in lines(whole)]
    assert rates == pytest.approx([0.05, 0.01, 0.01, 0.01])
    for calls in (4, 4):  # in the epoch after the choice, and in a later one
        with pytest.raises(Crash):
            run("cut", [Lower(), CrashAt(calls)], runtime__steps_per_call=2, **settings)
    assert_same_run(run("cut", [Lower()], **settings), whole)


def test_a_rate_chosen_within_an_epoch_survives_a_crash(run, tmp_path):
    class Lower(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if int(self.model.optimizer.iterations) == 3:
                self.model.optimizer.learning_rate = 0.01

    settings = {"optimizer__schedule": "constant", "runtime__steps_per_call": 1}
    settings["checkpoint__every_steps"] = 1  # the one of step 3 is the last
    whole = run("whole", [Lower()], **settings)
    with pytest.raises(Crash):
        run("cut", [Lower(), CrashAt(4)], **settings)
    assert_same_run(run("cut", [Lower()], **settings), whole)


def test_a_complete_run_is_left_alone(run, finished, capsys):
    before = {file: file.stat().st_mtime_ns for file in finished.rglob("*")}
    run("a")
    assert "is complete: 2 epochs" in capsys.readouterr().out
    assert {file: file.stat().st_mtime_ns for file in finished.rglob("*")} == before


@pytest.mark.parametrize("name", ["config", "dataset", "summary"])
def test_a_damaged_file_of_the_folder_is_refused(run, finished, name):
    if name != "summary":
        (finished / "summary.json").unlink()
    (finished / f"{name}.json").write_text("[]")
    with pytest.raises(SettingError, match=f"{name}.json: expected"):
        run("a")


def test_another_config_in_the_folder_is_refused(run, finished):
    message = r"holds a run with optimizer\.learning_rate = 0\.05, and not 0\.1"
    with pytest.raises(SettingError, match=message):
        run("a", optimizer__learning_rate=0.1)


def test_a_folder_in_use_is_refused(run, tmp_path, config, source, build):
    refused = []

    class Another(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            with pytest.raises(SettingError, match="--workdir: .* in use") as error:
                train(config, tmp_path / "a", source=source, build=build())
            refused.append(error)

    run("a", [Another()])
    assert len(refused) == 2


def test_settings_that_do_not_fit_the_data_leave_no_trace(
    tmp_path, config, source, build
):
    without = dataclasses.replace(source, validation=None)
    for name, value, good in (
        ("augment.crop", 8, 1),
        ("augment.cutout", 9, 0),  # all of each image would be grey
        ("train.early_stopping", 1, 0),
    ):
        config.update_from_flattened_dict({name: value})
        with pytest.raises(SettingError, match=f"^{name}: "):
            train(config, tmp_path / "a", source=without, build=build())
        assert not (tmp_path / "a").exists()
        config.update_from_flattened_dict({name: good})


def test_data_that_has_changed_is_refused(finished, config, source, build):
    (finished / "summary.json").unlink()
    changed = dataclasses.replace(source, fingerprint="other colours")
    with pytest.raises(SettingError, match="expected .*changed since.*'colours'"):
        train(config, finished, source=changed, build=build())


def test_a_checkpoint_of_another_model_is_refused(run, finished, build):
    other = build(batch_norm=False)
    (finished / "summary.json").unlink()
    before = {file: file.read_bytes() for file in finished.rglob("step-*")}
    with pytest.raises(SettingError, match="the checkpoint of another model"):
        run("a", build_model=other)
    assert {file: file.read_bytes() for file in finished.rglob("step-*")} == before


def test_a_position_changed_by_hand_costs_one_checkpoint(run, capsys):
    settings = {"checkpoint__every_steps": 3}
    folder = run("a", **settings)
    whole = shutil.copytree(folder, folder.with_name("whole"))
    (folder / "summary.json").unlink()
    manifest = folder / "checkpoints/step-00000008.json"
    manifest.write_text(manifest.read_text().replace('"best_epoch"', '"best_epoc"'))
    run("a", **settings)
    said = capsys.readouterr().err
    assert "step 8 is damaged (no int called 'best_epoch')" in said
    assert "Continuing after step 6." in said
    assert_same_run(folder, whole)


def cut(file):
    file.write_bytes(file.read_bytes()[:-20])


def test_a_cut_metrics_file_costs_its_last_line_alone(run, tmp_path, capsys):
    settings = {"train__epochs": 3, "checkpoint__every_steps": 4}
    with pytest.raises(Crash):
        run("a", [CrashAt(9)], runtime__steps_per_call=1, **settings)
    cut(tmp_path / "a/metrics.jsonl")
    folder = run("a", **settings)
    assert "of 2 epochs it has only 1." in capsys.readouterr().err
    assert [line["epoch"] for line in lines(folder)] == [1, 3]
    metrics = json.loads((folder / "summary.json").read_text())["metrics"]
    assert lines(folder)[-1].items() <= metrics.items()


@pytest.mark.parametrize("damage", [cut, Path.unlink])
def test_a_last_line_that_is_lost_is_no_figure(run, finished, damage):
    before = json.loads((finished / "summary.json").read_text())
    (finished / "summary.json").unlink()
    damage(finished / "metrics.jsonl")
    run("a")
    summary = json.loads((finished / "summary.json").read_text())
    assert summary["metrics"] == {}
    assert summary["weights_sha256"] == before["weights_sha256"]


def test_how_it_is_run_may_change(run, finished, capsys):
    run("a", checkpoint__every_steps=1, log__every_seconds=1.0, runtime__jit="off")
    assert "is complete" in capsys.readouterr().out


def test_killed_between_last_checkpoint_and_summary(run, finished):
    whole = shutil.copytree(finished, finished.with_name("whole"))
    (finished / "summary.json").unlink()
    (finished / "model.keras").unlink()
    assert_same_run(run("a"), whole)


def test_xla_is_announced(run, capsys):
    run("compiled", runtime__jit="on", train__epochs=1)
    said = capsys.readouterr().err
    assert re.search(
        r"Compiling .* with XLA \.\.\.\nCompiling .* took \d+\.\d s\n", said
    )


def test_the_saved_model_predicts_as_the_one_in_memory(watched):
    folder, watch = watched
    found = RunFolder(folder).load_model()(watch.images, training=False)
    np.testing.assert_array_equal(found, watch.logits[-1])


def test_best_model_is_the_one_of_the_best_epoch(run, source, tmp_path):
    """Keras's own callback keeps the same."""
    file = tmp_path / "mine.keras"
    best = keras.callbacks.ModelCheckpoint(
        file, monitor="val_accuracy", save_best_only=True
    )
    folder = run("a", [best], train__epochs=4, optimizer__learning_rate=0.5)
    np.testing.assert_equal(weights(file), weights(folder / "best.keras"))
    accuracies = [line["val_accuracy"] for line in lines(folder)]
    summary = json.loads((folder / "summary.json").read_text())
    assert summary["best"]["val_accuracy"] == max(accuracies)
    assert summary["best"]["epoch"] == accuracies.index(max(accuracies)) + 1
    model = RunFolder(folder).load_model("best")
    logits = model(source.validation.array.astype("float32"), training=False)
    found = (np.argmax(logits, -1) == source.validation.labels).mean()
    assert found == pytest.approx(max(accuracies))


def test_early_stopping_goes_by_validation(run):
    folder = run("a", train__epochs=30, train__early_stopping=2)
    accuracies = [line["val_accuracy"] for line in lines(folder)]
    assert len(accuracies) == accuracies.index(max(accuracies)) + 3 < 30
    run("a")  # and the run is complete


def test_averaged_weights_predict_well(run):
    folder = run("a", train__epochs=4, train__ema=0.99)
    assert lines(folder)[-1]["val_accuracy"] > 0.9


def test_saves_by_the_clock_too(run, tmp_path):
    with pytest.raises(Crash):
        run(
            "a",
            [CrashAt(5)],
            checkpoint__every_minutes=1e-6,
            runtime__steps_per_call=1,
        )
    steps = Checkpoints(tmp_path / "a" / "checkpoints", keep=2).steps()
    assert steps == [4, 3]


def test_a_loss_that_is_not_finite_stops_the_run(run, tmp_path):
    explode = keras.callbacks.LearningRateScheduler(lambda epoch: [0.05, 1e30][epoch])
    settings = {"optimizer__schedule": "constant", "checkpoint__every_steps": 1}
    with pytest.raises(NonFiniteError, match=r"at step \d \(epoch 2\)"):
        run("a", [explode], **settings)
    arrays, _ = Checkpoints(tmp_path / "a" / "checkpoints", keep=2).latest()
    assert all(np.isfinite(value).all() for value in arrays.values())
    assert arrays["bad_step"] == -1


@pytest.mark.parametrize(("batch", "saved"), [(16, [4, 3, 2, 1]), (70, [1])])
def test_an_update_too_large_for_the_weights_is_not_saved(run, tmp_path, batch, saved):
    explode = keras.callbacks.LearningRateScheduler(lambda epoch: [1e-30, 1e38][epoch])
    settings = {
        "optimizer__schedule": "constant",
        "optimizer__weight_decay": 1e6,  # gradients are finite, their step isn't
        "checkpoint__every_steps": 1,
        "checkpoint__keep": 9,
        "train__batch_size": batch,
    }
    said = f"The weights' norm was not finite at step {saved[0]} "
    with pytest.raises(NonFiniteError, match=said):
        run("a", [explode], **settings)
    assert len(lines(tmp_path / "a")) == 1
    assert all(np.isfinite(w).all() for w in weights(tmp_path / "a" / "best.keras"))
    checkpoints = Checkpoints(tmp_path / "a" / "checkpoints", keep=9)
    assert checkpoints.steps() == saved
    for step in checkpoints.steps():
        arrays, _ = checkpoints.read(step)
        assert all(np.isfinite(value).all() for value in arrays.values())


def test_epochs_without_a_step_have_no_figures(run, build, capsys):
    def steep(config, source):
        model = build()(config, source)
        logits = keras.layers.Rescaling(1e5, dtype="float32")(model.output)
        return keras.Model(model.input, logits)

    folder = run("a", build_model=steep, runtime__precision="mixed_float16")
    for line in (folder / "metrics.jsonl").read_text().splitlines():
        assert "loss" not in json.loads(line, parse_constant=pytest.fail)
    assert "Every step of this epoch was skipped" in capsys.readouterr().err


def test_a_full_disk_at_the_start_is_a_sentence(run, small_disk):
    with (small_disk / "filler").open("wb") as filler:
        filler.write(bytes(shutil.disk_usage(small_disk).free))
    with pytest.raises((CheckpointError, SettingError), match="No space left"):
        run(small_disk / "run")
    (small_disk / "filler").unlink()
    run(small_disk / "run")


@pytest.mark.slow
def test_a_full_disk_is_a_sentence_and_costs_nothing(run, small_disk, tmp_path):
    class FillDisk(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 2:
                with (small_disk / "filler").open("wb") as filler:
                    filler.write(bytes(shutil.disk_usage(small_disk).free))

    settings = {"train__epochs": 4, "checkpoint__every_steps": 1}
    whole = run("whole", **settings)
    folder = small_disk / "run"
    with pytest.raises(
        CheckpointError, match=f"{re.escape(str(folder))}.*: No space left on device"
    ):
        run(folder, [FillDisk()], **settings)
    assert Checkpoints(folder / "checkpoints", keep=2).latest()
    (small_disk / "filler").unlink()
    assert_same_run(run(folder, **settings), whole)


def test_workdir_that_can_not_be_written(config, source, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(SettingError, match=r"--workdir.*can be written to"):
        train(config, tmp_path / "file" / "run", source=source)


def test_keras_callbacks_work(run, tmp_path):
    rates = []

    class Rates(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            rates.append(logs["learning_rate"])

    callbacks = [
        keras.callbacks.LearningRateScheduler(lambda epoch: 0.05 / (epoch + 1)),
        keras.callbacks.CSVLogger(tmp_path / "log.csv"),
        keras.callbacks.ModelCheckpoint(tmp_path / "{epoch}.keras"),
        keras.callbacks.EarlyStopping("val_loss", min_delta=10.0, patience=2),
        Rates(),
    ]
    folder = run("a", callbacks, optimizer__schedule="constant", train__epochs=9)
    np.testing.assert_allclose(rates, [0.05, 0.025, 0.05 / 3], rtol=1e-6)
    assert len((tmp_path / "log.csv").read_text().splitlines()) == 4
    np.testing.assert_equal(
        weights(tmp_path / "3.keras"), weights(folder / "model.keras")
    )


def test_callbacks_see_rate_and_steps_of_every_call(watched):
    folder, watch = watched
    # The very first step is alone, and the last of an epoch, whose update is measured.
    assert watch.began == [0, 1, 3, 0, 2, 3]
    assert watch.ended == [(0, 1), (2, 3), (3, 4), (1, 6), (2, 7), (3, 8)]
    # Each shows the rate of the step to come.
    told = [line["learning_rate"] for line in lines(folder)]
    assert told[0] > watch.rates[0] > told[1] > watch.rates[1]


def test_half_precision_tracks_float32(run, finished):
    def losses(folder):
        return [line["loss"] for line in lines(folder)]

    for precision in ("mixed_bfloat16", "mixed_float16"):
        half = losses(run(precision, runtime__precision=precision))
        np.testing.assert_allclose(half, losses(finished), rtol=0.05)
    assert keras.config.dtype_policy().name == "float32"


def weights_of_epochs():
    """A callback that keeps the weights of every epoch."""

    class Keep(keras.callbacks.Callback):
        def on_train_begin(self, logs=None):
            self.weights = []

        def on_epoch_end(self, epoch, logs=None):
            self.weights.append(self.model.get_weights())

    return Keep()


@pytest.mark.parametrize("ema", [0.0, 0.9])
def test_weights_that_early_stopping_restores_are_kept(run, tmp_path, ema):
    keep = weights_of_epochs()
    stop = keras.callbacks.EarlyStopping(
        "loss", mode="max", patience=2, restore_best_weights=True
    )
    folder = run("a", [keep, stop], train__epochs=9, train__ema=ema)
    best = stop.best_epoch
    assert len(keep.weights) == best + 3  # not the last one
    np.testing.assert_equal(weights(folder / "model.keras"), keep.weights[best])
    (folder / "summary.json").unlink()
    (folder / "model.keras").unlink()
    run("a", train__epochs=9, train__ema=ema)  # killed before its last files
    np.testing.assert_equal(weights(folder / "model.keras"), keep.weights[best])


def test_weights_that_a_callback_sets_are_trained_on(run):
    """Whenever it sets them; at this rate they then stay where they are."""
    found = []

    class Set(keras.callbacks.Callback):
        def set(self, value):
            self.model.layers[-1].kernel.assign(np.full((8, 3), value))

        def on_train_begin(self, logs=None):
            self.set(1.0)

        def on_epoch_begin(self, epoch, logs=None):
            self.epoch = epoch
            if epoch == 1:
                self.set(2.0)

        def on_train_batch_end(self, batch, logs=None):
            if (self.epoch, batch) == (2, 0):
                self.set(3.0)

        def on_epoch_end(self, epoch, logs=None):
            found.append(np.array(self.model.layers[-1].kernel))
            if epoch == 2:
                self.set(4.0)

    settings = {"optimizer__learning_rate": 1e-9, "optimizer__weight_decay": 0.0}
    folder = run("a", [Set()], train__epochs=4, runtime__steps_per_call=1, **settings)
    for value, kernel in zip((1, 2, 3, 4), found, strict=True):
        np.testing.assert_allclose(kernel, value, atol=1e-6)
    np.testing.assert_allclose(weights(folder / "model.keras")[-2], 4, atol=1e-6)


@pytest.mark.parametrize("ema", [0.0, 0.9])
def test_callbacks_are_told_of_validation(run, ema):
    told = []

    class Watch(keras.callbacks.Callback):
        def on_test_begin(self, logs=None):
            told.append("begins")
            last = self.model.layers[-1]
            last.set_weights([np.zeros_like(value) for value in last.get_weights()])

        def on_test_end(self, logs=None):
            told.append(logs)

    folder = run("a", Watch(), train__ema=ema)  # one alone, as `fit` takes it
    expected = []
    for line in lines(folder):
        assert line["val_loss"] == pytest.approx(np.log(3), rel=1e-5)
        names = ("loss", "accuracy")
        expected += ["begins", {name: line[f"val_{name}"] for name in names}]
    assert told == expected


@pytest.mark.parametrize(
    ("callback", "setting"),
    [
        (lambda: keras.callbacks.ReduceLROnPlateau(), "optimizer.schedule"),
        (
            lambda: keras.callbacks.LearningRateScheduler(lambda e: 0.1),
            "optimizer.schedule",
        ),
        (lambda: keras.callbacks.BackupAndRestore("there"), "callbacks"),
        (lambda: keras.callbacks.SwapEMAWeights(), "callbacks"),
        (lambda: keras.callbacks.EarlyStopping("val_acc"), "callbacks"),
        (lambda: keras.callbacks.CSVLogger, "callbacks"),
    ],
)
def test_callbacks_that_could_not_work_are_refused_at_once(
    run, tmp_path, callback, setting
):
    with pytest.raises(SettingError) as caught:
        run("a", [callback()])
    assert caught.value.setting == setting
    assert not (tmp_path / "a").exists()


def test_what_no_epoch_tells_is_not_watched_for():
    """Keras only warns, after each epoch, and never stops."""
    kinds = keras.callbacks
    watches = [
        kinds.EarlyStopping(),
        kinds.ReduceLROnPlateau("val_accuracy"),
        kinds.ModelCheckpoint("there.keras", save_best_only=True),
    ]
    check_monitors([*watches, kinds.EarlyStopping("entropy_level_7")], validated=True)
    for callback in watches:
        with pytest.raises(SettingError, match=r"^data\.validation_examples.*watches"):
            check_monitors([callback], validated=False)
    check_monitors([kinds.ModelCheckpoint("there.keras")], validated=False)

    class TellsMore(kinds.Callback):
        pass

    check_monitors([TellsMore(), kinds.EarlyStopping("val_f1")], validated=False)


SCHEDULE = keras.optimizers.schedules.ExponentialDecay(0.1, 1, 0.9)


@pytest.mark.parametrize(
    ("change", "setting"),
    [
        (lambda m: setattr(m.optimizer, "learning_rate", 0.1), "optimizer.schedule"),
        (lambda m: setattr(m.optimizer, "weight_decay", 0.1), "callbacks"),
        (lambda m: setattr(m.optimizer, "learning_rate", SCHEDULE), "callbacks"),
        (lambda m: m.optimizer.iterations.assign(5), "callbacks"),
        (lambda m: m.compile(m.optimizer, "mse"), "callbacks"),
        (lambda m: setattr(m.layers[2], "trainable", False), "callbacks"),
        (lambda m: setattr(m.layers[1], "scale", 0.1), "callbacks"),
    ],
)
def test_what_training_would_not_follow_is_refused(run, tmp_path, change, setting):
    class Change(keras.callbacks.Callback):
        def on_train_begin(self, logs=None):
            change(self.model)

    with pytest.raises(SettingError) as caught:
        run("a", [Change()])
    assert caught.value.setting == setting
    assert "Change" in str(caught.value)
    assert not (tmp_path / "a" / "metrics.jsonl").exists()
