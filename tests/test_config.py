"""Every setting is checked; a config survives its JSON form."""

import json

import pytest

from ltpa_tf import config as config_lib
from ltpa_tf import old_configs
from ltpa_tf.configs import common, own_folder
from ltpa_tf.errors import SettingError
from ltpa_tf.settings_in_effect import in_effect


def flat_keys(config, prefix=""):
    for key, value in config.items():
        if hasattr(value, "items"):
            yield from flat_keys(value, f"{prefix}{key}.")
        else:
            yield prefix + key


def test_defaults_are_valid():
    config_lib.validate(common.get_config())


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("seed", -1),
        ("seed", 2**32),
        ("train.epochs", 0),
        ("augment.cutmix", float("inf")),
        ("train.batch_size", 0),
        ("train.label_smoothing", 1.0),
        ("data.train_examples", -1),
        ("data.image_size", 31),
        ("data.placement", "gpu"),
        ("model.name", "vgg_att9"),
        ("model.levels", (99,)),
        ("model.levels", ("a",)),
        ("model.width", 0.0),
        ("model.logit_scale", 0.0),
        ("model.compatibility", "cosine"),
        ("model.head", "mean"),
        ("optimizer.learning_rate", 0.0),
        ("optimizer.muon_factor", 0.0),
        ("optimizer.bias_lr_multiplier", 0.0),
        ("optimizer.schedule", "poly"),
        ("optimizer.warmup_epochs", 11.0),
        ("runtime.precision", "float16"),
        ("runtime.strategy", "pod"),
        ("train.early_stopping", -1),
        ("train.small_size", -1),
        ("train.small_share", 0.0),
        ("train.ema", 1.0),
        ("checkpoint.keep", 0),
    ],
)
def test_refuses_and_names_the_key(key, value):
    config = common.get_config()
    config.update_from_flattened_dict({key: value})
    with pytest.raises(SettingError, match=f"^{key}: expected .*Received: "):
        config_lib.validate(config)


@pytest.mark.parametrize(
    ("key", "value"), [("preprocessing", "tf"), ("backbone_weights", "imagenet")]
)
def test_what_is_of_a_backbone_needs_one(key, value):
    config = common.get_config()
    config.model[key] = value
    refused = rf"^model\.{key}: expected .* while model\.backbone is ''"
    with pytest.raises(SettingError, match=refused):
        config_lib.validate(config)


@pytest.mark.parametrize(
    ("row", "key", "value"),
    [
        ("resnet164_att2_concat_pc", "receptive_field", 0.3),
        ("ram", "receptive_field", 0.3),
        ("vgg_none", "receptive_field", 0.3),
        ("vgg_none", "compatibility", "dp"),
        ("resnet164_none", "score_scale", 2.0),
    ],
)
def test_what_would_change_nothing_is_refused(row, key, value):
    config = common.get_config()
    config.model.name = row
    config_lib.validate(config)
    config.model[key] = value
    with pytest.raises(SettingError, match=rf"^model\.{key}: expected .*Received: "):
        config_lib.validate(config)


def test_a_profile_needs_tensorboard():
    config = common.get_config()
    config.log.profile_steps = 5
    config_lib.validate(config)
    config.log.tensorboard = False
    with pytest.raises(
        SettingError, match=r"^log\.profile_steps: .*tensorboard is off"
    ):
        config_lib.validate(config)


@pytest.mark.parametrize("frozen", [0, -1])
def test_a_trunk_thaws_only_behind_frozen_epochs(frozen):
    config = common.get_config()
    config.train.unfreeze_epochs, config.train.frozen_epochs = 2, 1
    config_lib.validate(config)
    config.train.frozen_epochs = frozen
    refused = rf"^train\.unfreeze_epochs: .* train\.frozen_epochs is {frozen}: .* 2$"
    with pytest.raises(SettingError, match=refused):
        config_lib.validate(config)


def test_cutmix_and_mixup_exclude_each_other():
    config = common.get_config()
    config.augment.cutmix = config.augment.mixup = 1.0
    with pytest.raises(SettingError, match=r"augment\.mixup"):
        config_lib.validate(config)


def test_a_missing_key_is_named():
    config = common.get_config().unlock()
    del config.train["ema"]
    with pytest.raises(SettingError, match=r"train\.ema: .*Received: 'nothing'"):
        config_lib.validate(config)


def test_a_wrong_row_gets_the_nearest_right_ones():
    config = common.get_config()
    config.model.name = "vgg_att3_concat"
    with pytest.raises(SettingError, match="vgg_att3_concat_pc"):
        config_lib.validate(config)


def test_json_round_trip_keeps_every_type():
    config = common.get_config()
    config.model.levels = (7, 10)
    back = config_lib.from_json(config_lib.to_json(config))
    assert config_lib.differences(config, back) == []
    assert back.model.levels == (7, 10)
    assert {key: type(back_value(back, key)) for key in flat_keys(back)} == {
        key: type(back_value(config, key)) for key in flat_keys(config)
    }
    with pytest.raises((AttributeError, KeyError)):
        back.train.unknown = 1


def back_value(config, key):
    for part in key.split("."):
        config = config[part]
    return config


def test_differences_name_key_and_both_values():
    left, right = common.get_config(), common.get_config()
    right.train.epochs = 11
    right.model.levels = (7,)
    assert config_lib.differences(left, right) == [
        ("model.levels", None, (7,)),
        ("train.epochs", 10, 11),
    ]


def test_none_takes_the_rows_value_and_no_level_is_none():
    config = common.get_config()
    config.model.name = "vgg_att3_concat_dp"
    arguments = config_lib.model_arguments(config)
    assert arguments["levels"] == (7, 10, 13)
    assert arguments["compatibility"] == "dp"
    config.model.levels = ()
    back = config_lib.from_json(config_lib.to_json(config))
    assert config_lib.model_arguments(back)["levels"] == ()
    with pytest.raises(TypeError):
        config.model.levels = 7


def test_a_config_of_an_earlier_version_gets_the_settings_added_since():
    stored = json.loads(config_lib.to_json(common.get_config()))
    for part, name in (("data", "validation_share"), ("model", "padding")):
        del stored[part][name]
    again = config_lib.from_json(json.dumps(stored))
    assert config_lib.differences(again, common.get_config()) == []


def test_settings_in_effect_are_those_that_say_something():
    config = common.get_config()
    config.optimizer.name = "AdamW"
    found = in_effect(config.to_dict())
    assert {"train.epochs", "optimizer.schedule", "model.dropout"} <= set(found)
    without = ("augment", "data.dir", "train.ema", "train.small_share")
    without += ("optimizer.momentum", "optimizer.muon_factor", "optimizer.step_factor")
    assert not [key for key in found if key.startswith(without)]
    config.augment.cutmix, config.optimizer.name = 1.0, "sgd"
    found = in_effect(config.to_dict())
    assert found["augment.cutmix_share"] == 1.0
    assert found["optimizer.momentum"] == 0.9


def test_a_file_written_for_an_earlier_version_can_be_used():
    config = common.get_config()
    config.optimizer.shift_factor = 64.0
    config.model.dropout = "none"
    config.optimizer.shift_factor *= 2
    config_lib.validate(config)
    now = common.get_config()
    now.optimizer.bias_lr_multiplier, now.model.dropout = 128.0, 0.0
    assert config_lib.to_json(config) == config_lib.to_json(now)
    assert config == now
    assert config == config_lib.from_json(config_lib.to_json(now))
    assert config_lib.from_json(config_lib.to_json(now)) == config
    config.model.dropout = "paper"
    assert config.model.dropout == 0.5
    assert config != now
    with pytest.raises(TypeError):
        config.model.dropout = "a lot"


def test_flags_of_an_earlier_version_have_the_names_of_today():
    for old, new in (
        (
            "--config.optimizer.shift_factor=2",
            "--config.optimizer.bias_lr_multiplier=2",
        ),
        ("--config.train.recompute=2", "--config.train.gradient_checkpointing=2"),
        ("--config.model.dropout=none", "--config.model.dropout=0.0"),
        ("--config.model.dropout=0.3", "--config.model.dropout=0.3"),
        ("--workdir=shift_factor=1", "--workdir=shift_factor=1"),
    ):
        assert old_configs.renewed_flag(old) == new


def test_levels_follow_the_image_size_where_none_are_named():
    config = own_folder.get_config()
    assert config_lib.model_arguments(config, (96, 96))["levels"] == (4, 7)
    assert config_lib.model_arguments(config, (224, 224))["levels"] == (7, 10)
    config.model.levels = (3,)
    assert config_lib.model_arguments(config, (96, 96))["levels"] == (3,)
