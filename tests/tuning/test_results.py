"""Tables, files, pictures and importance, of trials whose truth is known."""

import csv
import io
import itertools
import math
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console
from tensorboard.backend.event_processing import event_accumulator
from tensorboard.plugins.hparams import metadata, plugin_data_pb2

from ltpa_tf import config as config_lib
from ltpa_tf.configs import common
from ltpa_tf.tuning import Space, choice, hparams, importance, integer, log, results
from ltpa_tf.tuning.figures import importance_figure, settings_figure

SPACE = Space(
    [
        log("optimizer.learning_rate", 0.01, 1.0),
        choice("model.levels", (13,), (10, 13)),
        choice("optimizer.name", "sgd", "adamw"),
        integer("augment.crop", 0, 4, when={"optimizer.name": "sgd"}),
    ],
    common.get_config(),
)


def trials(count, folder, noise=0.0):
    """The objective depends on the rate most, on levels a little, on nothing else."""
    random = np.random.default_rng(3)
    found = []
    for i in range(count):
        rate = float(f"{10 ** random.uniform(-2, 0):.6g}")
        levels = [(13,), (10, 13)][random.integers(2)]
        settings = {"optimizer.learning_rate": rate, "model.levels": levels}
        settings["optimizer.name"] = ["sgd", "adamw"][random.integers(2)]
        if settings["optimizer.name"] == "sgd":
            settings["augment.crop"] = int(random.integers(5))
        value = 0.9 - 0.3 * abs(math.log10(rate) + 1) + 0.04 * len(levels)
        found.append(
            {
                "trial": i,
                "status": "COMPLETED",
                "val_accuracy": value + noise * random.normal(),
                "spread": None,
                "executions": 1,
                "epochs": 5,
                "seconds": 61.0,
                "settings": settings,
                "note": "stopped: behind" if i % 7 == 3 else "",
                "folder": folder / f"trial_{i}",
            }
        )
    return found


def failed(trial, folder):
    return {
        **trials(1, folder)[0],
        "trial": trial,
        "status": "FAILED",
        "val_accuracy": None,
        "note": "train.batch_size: too large, really",
        "folder": folder / f"trial_{trial}",
    }


def test_ranking_is_by_objective_then_age(tmp_path):
    found = [*trials(3, tmp_path), failed(3, tmp_path)]
    for row, value in zip(found, (0.5, 0.7, 0.7), strict=False):
        row["val_accuracy"] = value
        row["val_loss"] = value
    order = [row["trial"] for row in results.ranked(found, "val_accuracy")]
    assert order == [1, 2, 0]
    assert [row["trial"] for row in results.ranked(found, "val_loss")] == [0, 1, 2]


def test_csv_holds_every_trial_and_setting(tmp_path):
    found = [*trials(4, tmp_path), failed(4, tmp_path)]
    results.write_csv(found, SPACE, tmp_path / "trials.csv", "val_accuracy")
    with (tmp_path / "trials.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert [int(row["trial"]) for row in rows] == list(range(5))
    for row, trial in zip(rows, found, strict=True):
        settings = trial["settings"]
        assert (
            float(row["optimizer.learning_rate"])
            == (settings["optimizer.learning_rate"])
        )
        assert row["model.levels"] == ",".join(map(str, settings["model.levels"]))
        assert row["augment.crop"] == str(settings.get("augment.crop", ""))
    assert rows[4]["val_accuracy"] == ""
    assert rows[4]["note"] == "train.batch_size: too large, really"


def test_table_shows_the_best_first(tmp_path):
    found = [*trials(20, tmp_path), failed(20, tmp_path)]
    stream = io.StringIO()
    Console(file=stream, width=100).print(results.table(found, "val_accuracy"))
    text = stream.getvalue()
    best = results.ranked(found, "val_accuracy")
    assert text.index(f"{best[0]['val_accuracy']:.4f}") < text.index(
        f"{best[1]['val_accuracy']:.4f}"
    )
    assert "20 trials completed, 1 failed; the best 10 are shown" in text
    assert "0:01:01" in text


def test_best_config_is_a_config(tmp_path):
    config = SPACE.apply(trials(1, tmp_path)[0]["settings"] | {"data.dir": "C:\\a'b\n"})
    file = tmp_path / "best of all" / "best_config.py"
    text = results.best_config(config, common.get_config(), file, "Best of 1 trial.")
    namespace = {}
    exec(compile(text, file, "exec"), namespace)
    assert config_lib.differences(namespace["get_config"](), config) == []
    assert f"--config='{file}'" in text


def test_the_best_is_trained_beside_the_search(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for folder, beside in (("runs/tune", "runs/tune-best"), (".", f"{tmp_path}-best")):
        command = results.train_command(Path(folder, "best_config.py"))
        assert command.endswith(f" --workdir={beside}")


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    found = trials(30, tmp_path_factory.mktemp("search"), noise=0.01)
    return importance.measure(found, SPACE, "val_accuracy")


def test_importance_finds_what_matters(measured):
    ranking = sorted(measured.shares, key=lambda key: -measured.shares[key][0])
    assert ranking[0] == "optimizer.learning_rate"
    assert measured.shares["optimizer.learning_rate"][0] > 0.5
    for key in ("optimizer.name", "augment.crop"):
        assert abs(measured.shares[key][0]) < 0.1
    assert measured.r2 > 0.4
    assert "explains" in measured.caveat


@pytest.mark.slow
def test_importance_of_noise_says_so(tmp_path):
    found = trials(20, tmp_path)
    random = np.random.default_rng(0)
    for row in found:
        row["val_accuracy"] = random.normal()
    measured = importance.measure(found, SPACE, "val_accuracy")
    assert measured.r2 < 0.1
    if measured.r2 <= 0:
        assert "learned nothing" in measured.caveat


def test_importance_of_too_little_is_none(tmp_path):
    found = trials(20, tmp_path)
    assert importance.measure(found[:9], SPACE, "val_accuracy") is None
    for row in found:
        row["val_accuracy"] = 0.5
    assert importance.measure(found, SPACE, "val_accuracy") is None


def test_settings_figure_has_a_dot_per_trial_and_setting(tmp_path):
    found = [*trials(12, tmp_path), failed(12, tmp_path)]
    figure = settings_figure(found, SPACE, "val_accuracy")
    assert [axes.get_xlabel() for axes in figure.axes] == list(SPACE.keys)
    for axes in figure.axes:
        searched = [row for row in found[:12] if axes.get_xlabel() in row["settings"]]
        dots = [tuple(dot.get_offsets()[0]) for dot in axes.collections]
        assert sorted(y for _, y in dots) == pytest.approx(
            sorted(row["val_accuracy"] for row in searched)
        )
        assert axes.get_ylim() == figure.axes[0].get_ylim()
    rates = {float(dot.get_offsets()[0][0]) for dot in figure.axes[0].collections}
    assert rates == {row["settings"]["optimizer.learning_rate"] for row in found[:12]}


@pytest.mark.parametrize(
    "levels",
    [
        ((13,), (10, 13), (7, 10, 13), (7,), (10,), (7, 10)),
        ((4,), (7,), (4, 7), (4, 7, 10)),
        ((2, 4, 7, 10, 13), (4, 7, 10, 13)),
    ],
)
def test_names_of_choices_do_not_overlap(tmp_path, levels):
    space = Space([choice("model.levels", *levels)], common.get_config())
    found = trials(6, tmp_path)
    for i, row in enumerate(found):
        row["settings"] = {"model.levels": levels[i % len(levels)]}
    figure = settings_figure(found, space, "val_accuracy")
    figure.draw_without_rendering()
    names = figure.axes[0].get_xticklabels()
    assert [name.get_text() for name in names] == [
        ",".join(map(str, numbers)) for numbers in levels
    ]
    if names[0].get_rotation() == 0:
        boxes = [name.get_window_extent() for name in names]
        assert all(a.x1 + 2 < b.x0 for a, b in itertools.pairwise(boxes))


def test_a_diverged_loss_does_not_hide_the_others(tmp_path):
    found = trials(12, tmp_path)
    for i, row in enumerate(found):
        row["val_loss"] = 1e9 if i == 5 else 1 + i / 10
    figure = settings_figure(found, SPACE, "val_loss")
    assert figure.axes[0].get_ylim()[1] < 10


def test_importance_figure_ranks_from_the_top(measured):
    axes = importance_figure(measured, "val_accuracy").axes[0]
    names = [text.get_text() for text in axes.get_yticklabels()]
    assert names[-1] == "optimizer.learning_rate"
    assert axes.patches[-1].get_width() == pytest.approx(
        measured.shares["optimizer.learning_rate"][0]
    )


def test_hparams_page_has_every_trial(tmp_path):
    found = [*trials(3, tmp_path), failed(3, tmp_path)]
    for row in found:
        row["folder"].mkdir()
    for _ in range(2):  # a second time adds nothing
        hparams.write(found, SPACE, tmp_path, "val_accuracy")
    assert len(list(tmp_path.rglob("events.out.tfevents.*"))) == 5

    experiment = _plugin_data(tmp_path)[metadata.EXPERIMENT_TAG].experiment
    assert [info.name for info in experiment.hparam_infos] == list(SPACE.keys)
    for row in found:
        data = _plugin_data(row["folder"])
        session = data[metadata.SESSION_START_INFO_TAG].session_start_info
        rate = session.hparams["optimizer.learning_rate"].number_value
        assert rate == row["settings"]["optimizer.learning_rate"]
        levels = session.hparams["model.levels"].string_value
        assert levels == ",".join(map(str, row["settings"]["model.levels"]))
        events = event_accumulator.EventAccumulator(str(row["folder"])).Reload()
        if row["status"] == "COMPLETED":
            assert events.Scalars("val_accuracy")[0].value == pytest.approx(
                row["val_accuracy"]
            )
        else:
            assert "val_accuracy" not in events.Tags()["scalars"]


def _plugin_data(folder):
    events = event_accumulator.EventAccumulator(str(folder)).Reload()
    contents = events.PluginTagToContent("hparams")
    return {
        tag: plugin_data_pb2.HParamsPluginData.FromString(content)
        for tag, content in contents.items()
    }


def test_settings_are_short_where_that_is_clear():
    words = results.in_words(
        {"optimizer.name": "sgd", "model.name": "vgg", "train.ema": 0.123456}
    )
    assert words == "optimizer.name=sgd, model.name=vgg, ema=0.1235"
