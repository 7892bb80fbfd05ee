"""Every shipped search passes the checks that come before its first trial."""

import importlib
from pathlib import Path

import keras_tuner
import pytest

from ltpa_tf import config as config_lib
from ltpa_tf import configs, models
from ltpa_tf.tuning import settings

FOLDER = Path(configs.__file__).parent
SEARCHES = sorted(file.stem for file in FOLDER.glob("tune_*.py"))
# What a model's shapes depend on, apart from its width.
SHAPES = ("model.trunk", "model.levels", "model.tap", "model.head")


def load(file):
    return settings.split(
        importlib.import_module(f"ltpa_tf.configs.{file}").get_config()
    )


def drawn(space, count=100):
    hp = keras_tuner.HyperParameters()
    space.register(hp)
    oracle = keras_tuner.oracles.RandomSearchOracle(
        "val_accuracy", max_trials=count, hyperparameters=hp, seed=1
    )
    for i in range(count):
        yield space.settings(oracle.populate_space(str(i))["values"])


@pytest.mark.parametrize("file", SEARCHES)
def test_search_is_valid(file):
    settings.check(*load(file))


@pytest.mark.parametrize("file", SEARCHES)
def test_random_trials_are_valid(file):
    """Whatever is drawn, the model can be made for the data."""
    space = settings.check(*load(file))
    made = set()
    for found in drawn(space):
        config = space.apply(found)
        config_lib.validate(config)
        shape = tuple(found.get(key) for key in SHAPES)
        if shape in made:
            continue
        made.add(shape)
        row = config_lib.model_arguments(config) | {"width": 0.01}
        model = models.AttentionVGG(image_shape=(32, 32, 3), num_classes=10, **row)
        assert model.output_shape == (None, 10)
    assert len(made) > 1
