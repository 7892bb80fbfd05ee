"""The campaign of hard against soft attention, on made-up digits."""

import json

import numpy as np
import pytest

from ltpa_tf.configs import hard
from ltpa_tf.programs import results as program
from ltpa_tf.results import campaign, table


@pytest.fixture
def folder(tmp_path):
    images = np.zeros((64, 28, 28), np.uint8)
    for i in range(64):
        images[i, 4:24, 4 + i % 10 : 12 + i % 10] = 250
    labels = np.arange(64) % 10
    np.savez(
        tmp_path / "mnist.npz",
        x_train=images,
        y_train=labels,
        x_test=images[:12],
        y_test=labels[:12],
    )
    return tmp_path


def test_questions_are_about_trials():
    names = {trial.name for trial in hard.TRIALS}
    for _, one, other in hard.QUESTIONS:
        assert {one, other} <= names


@pytest.mark.slow
def test_results_tell_what_it_costs_and_where_it_looks(folder):
    def make(trial):
        config = hard.get_config(trial.name)
        hard.put_data(config, trial, folder)
        config.data.train_examples = 32
        config.train.epochs, config.train.batch_size = 1, 16
        config.optimizer.warmup_epochs = 0.0
        config.model.width, config.train.samples = 1 / 32, 2
        if trial.row == "ram":
            config.model.glimpses = 3
        config.runtime.precision, config.runtime.strategy = "float32", "none"
        return config

    trials = {trial.name: trial for trial in hard.TRIALS}
    task = "cluttered_mnist_60"
    names = ["vgg_none-narrow", "vgg_att2_concat_pc-sampled", "ram"]
    work = [(trials[f"{task}-{name}"], (0,)) for name in names]
    missing = campaign.check(work, folder / "out", make)
    campaign.run(missing, folder / "out", make, say=lambda line: None)
    control, sampled, ram = (
        json.loads(campaign.result_file(folder / "out", trial, 0).read_text())
        for trial, _ in work
    )
    assert "glimpses" not in control and "pointing" not in control
    assert set(sampled["pointing"]) == {"level_7", "level_10", "chance"}
    assert len(ram["glimpses"]["by_glimpse"]) == 3
    assert min(r["multiplications"] for r in (control, sampled, ram)) > 1000
    results = campaign.read_results(folder / "out")
    page = table.page(results, hard.TRIALS, hard.PUBLISHED, hard.QUESTIONS)
    assert "## Cluttered MNIST, 60x60" in page
    assert "million multiplications | looks on the object, % |" in page


def test_the_program_knows_it(folder, monkeypatch):
    from absl import flags

    flags.FLAGS(["results", f"--out={folder}", f"--data={folder}", "--campaign=hard"])
    monkeypatch.setattr(flags.FLAGS["campaign"], "value", "hard")
    monkeypatch.setattr(flags.FLAGS["data"], "value", str(folder))
    config = program._config(hard.TRIALS[0])
    assert config.data.dir == str(folder / "mnist.npz")
    assert config.data.name == "translated_mnist"
