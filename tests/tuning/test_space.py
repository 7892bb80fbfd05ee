"""Search spaces: what is refused before the first trial, and values both ways."""

import re

import keras_tuner
import pytest

from ltpa_tf.configs import common
from ltpa_tf.errors import SettingError
from ltpa_tf.tuning import Space, choice, integer, linear, log

RATES = log("optimizer.learning_rate", 0.01, 1.0)
OPTIMIZERS = choice("optimizer.name", "sgd", "adamw")


def registered(space):
    hp = keras_tuner.HyperParameters()
    space.register(hp)
    return {item.name: item for item in hp.space}, hp


def test_keys_of_earlier_versions_have_their_names_of_today():
    """As they have in configs and on the command line."""
    old = choice("train.recompute", 0, 2)
    shift = log("optimizer.shift_factor", 1.0, 64.0, when={"train.recompute": 2})
    space = Space([old, shift], common.get_config())
    new = "train.gradient_checkpointing"
    assert space.keys == (new, "optimizer.bias_lr_multiplier")
    assert space.ranges[1].when == ((new, (2,)),)
    assert space.apply({new: 2}).train.gradient_checkpointing == 2


@pytest.mark.parametrize(
    ("ranges", "said"),
    [
        ([], "search.space: expected at least one.*Received: "),
        (RATES, "of one alone with a comma after it"),
        (
            [("optimizer.learning_rate", 0.1, 1)],
            r"a tuple of log\(\.\.\.\), linear\(",
        ),
        ([log(0.1, 1, 2)], "expected a key of the config.*Received: 0.1"),
        ([log("optimizer.learning_rat", 0.1, 1)], "optimizer.learning_rate"),
        ([log("optimizer.learning_rate", "0.1", 1)], "expected a num.*Received: '0.1'"),
        ([log("optimizer.learning_rate", 0, 1)], "above 0 on a log scale"),
        ([log("optimizer.learning_rate", 1, 0.1)], "the lower value, then"),
        ([linear("train.batch_size", 1, 9)], r"integer\(low, high\)"),
        ([log("train.batch_size", 1.5, 9.0)], r"integer\(low, high\)"),
        ([integer("optimizer.momentum", 0, 1)], r"linear\(low, high\)"),
        ([linear("model.levels", 1, 2)], r"choice\(\.\.\.\), as it is tuple"),
        ([linear("augment.flip", 0, 1)], r"choice\(\.\.\.\), as it is bool"),
        ([choice("augment.flip", 0, 1)], "expected bool"),
        ([choice("augment.crop", 1, 2.5)], "expected int.*Received: 2.5"),
        ([choice("model.head", "concat")], "two different choices or more"),
        ([choice("augment.crop", 4, 4)], "two different choices or more"),
        ([integer("augment.crop", 0, 4, step=0.5)], "step: .*Received: 0.5"),
        ([linear("train.ema", 0.0, 0.9, step=1e-7)], "up to 10,000 steps"),
        ([choice("model.head", "concat", "both")], "Received: 'both'"),
        ([choice("model.levels", (10,), (10, 99))], "Received: 99"),
        ([linear("optimizer.momentum", 0.5, 1.5)], "Received: 1.5"),
        ([linear("train.ema", 0.5, 0.9, step=0)], "step: .*Received: 0"),
        ([linear("train.ema", 0.5, 0.9, step="a")], "step: .*Received: 'a'"),
        ([integer("augment.crop", 0, 4, step=5)], "two values or more"),
        ([choice("optimizer.name", "sgd", "adamv")], "Received: 'adamv'"),
        (
            [log("train.ema", 0.1, 0.9, step=1)],
            "step: expected above 1: it is a factor.*Received: 1",
        ),
        ([choice("model.levels", [[7]], (10,))], "unhashable type: 'list'"),
        ([log(["train.ema"], 0.1, 0.9)], "unhashable type: 'list'"),
        (
            [OPTIMIZERS, log("train.ema", 0.1, 0.9, when={"optimizer.name": {}})],
            "unhashable type: 'dict'",
        ),
        ([choice("seed", 1, 2)], "set for each execution"),
        ([choice("data.validation_examples", 10, 20)], "the same in all trials"),
        ([RATES, RATES], "each key once"),
        (
            [linear("optimizer.momentum", 0, 0.9, when={"optimizer.name": "sgd"})],
            "the key of one choice that stands before",
        ),
        (
            [
                OPTIMIZERS,
                linear("optimizer.momentum", 0, 0.9, when={"optimizer.name": "lion"}),
            ],
            "expected one of 'sgd', 'adamw'.*Received: 'lion'",
        ),
        (
            [
                OPTIMIZERS,
                linear("optimizer.momentum", 0, 0.9, when={"optimizer.name": []}),
            ],
            r"expected one value or more.*Received: \[\]",
        ),
    ],
)
def test_what_cannot_be_searched_is_refused(ranges, said):
    with pytest.raises(SettingError) as error:
        Space(ranges, common.get_config())
    assert re.search(said, str(error.value))


def test_a_condition_is_on_a_key_and_its_values():
    with pytest.raises(SettingError, match="expected {other key: value}"):
        linear("optimizer.momentum", 0.8, 0.98, when="optimizer.name")


def test_values_go_both_ways():
    config = common.get_config()
    space = Space(
        [
            RATES,
            log("train.batch_size", 16, 128, step=2),
            linear("train.label_smoothing", 0.0, 0.3, step=0.1),
            integer("augment.crop", 0, 4, step=2),
            choice("augment.flip", False, True),
            choice("model.levels", [10], (7, 10), ()),
            choice("train.ema", 0, 0.9),
        ],
        config,
    )
    items, hp = registered(space)
    assert items["train.batch_size"].values == ["16", "32", "64", "128"]
    assert items["train.label_smoothing"].values == ["0.0", "0.1", "0.2", "0.3"]
    assert items["augment.crop"].values == ["0", "2", "4"]
    assert items["model.levels"].values == ["10", "7,10", "none"]
    hp.values |= {
        "optimizer.learning_rate": 0.123456789,
        "train.batch_size": "32",
        "train.label_smoothing": "0.3",
        "augment.crop": "4",
        "augment.flip": "True",
        "model.levels": "7,10",
        "train.ema": "0.0",
    }
    trial = space.apply(space.settings(hp.values))
    assert trial.optimizer.learning_rate == 0.123457  # six digits
    assert trial.train.batch_size == 32
    assert trial.train.label_smoothing == 0.3
    assert trial.augment.crop == 4
    assert trial.augment.flip is True
    assert trial.model.levels == (7, 10)
    assert trial.train.ema == 0.0
    assert trial.is_locked
    assert config.train.batch_size == 128, "the config itself is left alone"


def test_whole_numbers_on_a_log_scale():
    space = Space([log("train.batch_size", 16, 512)], common.get_config())
    items, _ = registered(space)
    sizes = [items["train.batch_size"].random_sample(seed) for seed in range(200)]
    assert all(isinstance(size, int) and 16 <= size <= 512 for size in sizes)
    # Half of all are below the geometric mean, 90.5.
    assert 70 < sum(size <= 90 for size in sizes) < 130


def test_conditions_choose_what_is_searched():
    momentum = linear("optimizer.momentum", 0.8, 0.98, when={"optimizer.name": "sgd"})
    decay = log("optimizer.weight_decay", 0.01, 0.1, when={"optimizer.name": ["adamw"]})
    space = Space([OPTIMIZERS, momentum, decay], common.get_config())
    values = {"optimizer.momentum": 0.85, "optimizer.weight_decay": 0.05}
    assert space.settings({"optimizer.name": "sgd", **values}) == {
        "optimizer.name": "sgd",
        "optimizer.momentum": 0.85,
    }
    assert space.settings({"optimizer.name": "adamw", **values}) == {
        "optimizer.name": "adamw",
        "optimizer.weight_decay": 0.05,
    }


def test_a_condition_may_be_written_as_another_number():
    smoothing = linear("train.label_smoothing", 0.1, 0.2, when={"train.ema": 0})
    space = Space([choice("train.ema", 0, 0.9), smoothing], common.get_config())
    items, hp = registered(space)
    assert hp.is_active(items["train.label_smoothing"])
    assert space.settings(hp.values) == {"train.ema": 0.0, "train.label_smoothing": 0.1}


def test_conditions_on_two_keys_and_on_conditional_keys():
    space = Space(
        [
            OPTIMIZERS,
            choice("model.head", "concat", "indep"),
            choice("optimizer.nesterov", True, False, when={"optimizer.name": "sgd"}),
            linear(
                "optimizer.momentum",
                0.8,
                0.98,
                when={"optimizer.nesterov": True, "model.head": "indep"},
            ),
        ],
        common.get_config(),
    )
    _, hp = registered(space)
    oracle = keras_tuner.oracles.RandomSearchOracle(
        "val_accuracy", max_trials=60, hyperparameters=hp, seed=1
    )
    drawn = [oracle.populate_space(str(i))["values"] for i in range(60)]
    for values in drawn:
        nesterov = values["optimizer.name"] == "sgd"
        assert ("optimizer.nesterov" in values) == nesterov
        momentum = values.get("optimizer.nesterov") == "True"
        momentum &= values["model.head"] == "indep"
        assert ("optimizer.momentum" in values) == momentum
        assert space.settings(values).keys() == values.keys()
    assert any("optimizer.momentum" in values for values in drawn)


def test_one_key_with_a_range_for_each_condition():
    space = Space(
        [
            OPTIMIZERS,
            log("optimizer.learning_rate", 0.1, 1.0, when={"optimizer.name": "sgd"}),
            log(
                "optimizer.learning_rate", 1e-4, 1e-3, when={"optimizer.name": "adamw"}
            ),
        ],
        common.get_config(),
    )
    assert space.keys == ("optimizer.name", "optimizer.learning_rate")
    _, hp = registered(space)
    oracle = keras_tuner.oracles.RandomSearchOracle(
        "val_accuracy", max_trials=40, hyperparameters=hp, seed=1
    )
    for i in range(40):
        settings = space.settings(oracle.populate_space(str(i))["values"])
        low, high = (0.1, 1.0) if settings["optimizer.name"] == "sgd" else (1e-4, 1e-3)
        assert low <= settings["optimizer.learning_rate"] <= high


def test_the_config_as_it_is():
    config = common.get_config()
    levels = choice("model.levels", (13,), (10, 13))  # (10, 13) is what its row has
    space = Space([RATES, levels], config)
    assert space.settings(space.defaults()) == {
        "optimizer.learning_rate": 0.1,
        "model.levels": (10, 13),
    }
    outside = Space([log("optimizer.learning_rate", 0.2, 1.0), levels], config)
    assert outside.defaults() is None


def test_a_whole_sample_is_valid():
    from ltpa_tf import config as config_lib

    config = common.get_config()
    space = Space([RATES, OPTIMIZERS, choice("model.head", "concat", "indep")], config)
    _, hp = registered(space)
    trial = space.apply(space.settings(hp.values))
    config_lib.validate(trial)
    assert config_lib.differences(config, trial) == [
        ("model.head", None, "concat"),
    ]
