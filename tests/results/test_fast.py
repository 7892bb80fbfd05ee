"""The campaign about attention's worth in short trainings, on a few made-up images."""

import json

import numpy as np
import pytest

from ltpa_tf.configs import fast
from ltpa_tf.results import campaign, table


@pytest.fixture
def folder(tmp_path):
    random = np.random.default_rng(0)
    labels = np.arange(48) % 2
    images = (
        random.integers(0, 120, (48, 32, 32, 3)) + 100 * labels[:, None, None, None]
    )
    images = images.astype(np.uint8)
    train, test = slice(0, 32), slice(32, 48)
    np.savez(
        tmp_path / "cifar10.npz",
        x_train=images[train],
        y_train=labels[train],
        x_test=images[test],
        y_test=labels[test],
    )
    return tmp_path


def test_questions_are_about_trials():
    names = {trial.name for trial in fast.TRIALS}
    for _, one, other in fast.QUESTIONS:
        assert {one, other} <= names


@pytest.mark.parametrize("data", ["cifar10", "cifar100"])
def test_control_and_attention_have_ten_seeds_and_come_first(data):
    seeds = {trial.name: seeds for trial, seeds in fast.WORK}
    for name in ("vgg_none-max", "vgg_att2_concat_pc"):
        assert seeds[f"{data}-{name}"] == tuple(range(10))


def test_a_trial_differs_from_its_recipe_in_what_it_says_alone():
    for trial in fast.TRIALS:
        config = fast.get_config(trial.name)
        recipe = fast._RECIPES[trial.data].get_config()
        changed = {key for key, *_ in campaign.differences(config.to_dict(), recipe)}
        assert changed <= {"model.name", *trial.settings}


@pytest.mark.slow
def test_both_sizes_of_images_are_trained_on_and_tested(folder):
    def make(trial):
        config = fast.get_config(trial.name)
        fast.put_data(config, trial, folder)
        config.model.width, config.model.trunk = 1 / 16, "faster"
        if trial.row != "vgg_none":
            config.model.levels = (4, 6)
        config.train.epochs, config.train.batch_size = 2, 16
        config.optimizer.warmup_epochs = 1.0
        config.runtime.precision, config.runtime.strategy = "float32", "none"
        return config

    trials = {trial.name: trial for trial in fast.TRIALS}
    names = ["vgg_none-max", "vgg_att2_concat_pc-and_max"]
    work = [(trials[f"cifar10-{name}"], (0,)) for name in names]
    missing = campaign.check(work, folder / "out", make)
    said = []
    campaign.run(missing, folder / "out", make, say=said.append)
    assert sum("compiled" in line for line in said) == len(work)
    for trial, _ in work:
        file = campaign.result_file(folder / "out", trial, 0)
        result = json.loads(file.read_text())
        assert result["config"]["train"]["small_size"] == 24
        assert len(result["curve"]["loss"]) == 2
        plain, both = result["test"], result["test_with_flip"]
        assert plain["examples"] == both["examples"] == 16
        assert plain["nll"] != both["nll"]
    results = campaign.read_results(folder / "out")
    page = table.page(results, fast.TRIALS, fast.PUBLISHED, fast.QUESTIONS)
    assert "Attention and maxima over a max pool? (cifar10)" in page
