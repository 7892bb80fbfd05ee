"""Every shipped search passes the checks that come before its first trial."""

import importlib
from pathlib import Path

import keras_tuner
import pytest

from ltpa_tf import config as config_lib
from ltpa_tf.tuning import settings

FOLDER = Path(__file__).parents[2] / "configs"
SEARCHES = sorted(file.stem for file in FOLDER.glob("tune_*.py"))


def load(file):
    return settings.split(importlib.import_module(f"configs.{file}").get_config())


@pytest.mark.parametrize("file", SEARCHES)
def test_search_is_valid(file):
    settings.check(*load(file))


@pytest.mark.parametrize("file", SEARCHES)
def test_random_trials_are_valid(file):
    """Whatever is drawn, the model can be made."""
    space = settings.check(*load(file))
    hp = keras_tuner.HyperParameters()
    space.register(hp)
    oracle = keras_tuner.oracles.RandomSearchOracle(
        "val_accuracy", max_trials=100, hyperparameters=hp, seed=1
    )
    for i in range(100):
        values = oracle.populate_space(str(i))["values"]
        config_lib.validate(space.apply(space.settings(values)))
