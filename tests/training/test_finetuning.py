"""Trunks that are frozen, thawed stage by stage, or trained at other rates."""

import json

import keras
import numpy as np
import pytest
import tiny

from ltpa_tf import config as configuration
from ltpa_tf import models
from ltpa_tf.errors import SettingError
from ltpa_tf.optimizers import make_optimizer
from ltpa_tf.optimizers.stages import learning_rates
from ltpa_tf.run import RunFolder
from ltpa_tf.training import train
from ltpa_tf.training.model import made

WHERE = ("first", "second", "logits")


def build(config, source):
    """Two stages, and a gate in the second."""
    conv = keras.layers.Conv2D
    image = keras.Input(source.image_shape)
    x = keras.layers.Rescaling(1 / 50, -2.0)(image)
    x = conv(6, 3, padding="same", name="first")(x)
    x = keras.layers.BatchNormalization(name="norm1")(x)
    x = conv(8, 3, strides=2, padding="same", name="second")(keras.layers.ReLU()(x))
    x = keras.layers.BatchNormalization(name="norm2")(x)
    gate = keras.layers.GlobalAveragePooling2D(keepdims=True)(x)
    x = keras.layers.Multiply()([x, conv(8, 1, name="gate")(gate)])
    backbone = keras.Model(image, keras.layers.ReLU()(x))
    return models.attach(backbone, len(source.class_names), dropout=0.2)


class Weights(keras.callbacks.Callback):
    """Keeps each epoch's kernels, and may end the run in the middle of one."""

    def __init__(self, stop_at=None):
        super().__init__()
        self.kernels, self._stop_at = [], stop_at

    def on_epoch_end(self, epoch, logs=None):
        self.kernels.append([kernel(self.model, name) for name in WHERE])

    def on_train_batch_end(self, batch, logs=None):
        if logs and self._stop_at and self.model.stop_training is False:
            self._stop_at -= 1
            if not self._stop_at:
                raise KeyboardInterrupt


def kernel(model, name):
    layer = model.get_layer(name)
    layer = layer.linear[0] if name == "logits" else layer
    return np.array(layer.kernel)


def run(config, folder, *callbacks, **settings):
    config.update_from_flattened_dict(
        {key.replace("__", "."): value for key, value in settings.items()}
    )
    return train(
        config, folder, source=tiny.make_source(), build=build, callbacks=callbacks
    )


def test_stages_and_what_is_in_them():
    model = build(None, tiny.make_source())
    names = [[layer.name for layer in stage] for stage in models.stages(model)]
    assert names == [["first", "norm1"], ["second", "norm2", "gate"]]
    models.freeze(model, 1)
    assert not model.get_layer("norm1").trainable
    assert model.get_layer("second").trainable
    models.freeze(model)
    assert not model.get_layer("gate").trainable
    assert model.get_layer("level_2").trainable
    models.freeze(model, 0)
    models.freeze_batch_norm(model)
    frozen = [x.name for x in model.layers if not x.trainable]
    assert frozen == ["norm1", "norm2"]
    vgg = models.build("vgg_att2_concat_pc", width=1 / 16)
    assert [len(stage) for stage in models.stages(vgg)][:2] == [14, 6]


def test_a_frozen_backbone_stays_as_it_is(config, tmp_path):
    seen = Weights()
    run(config, tmp_path, seen, train__frozen_epochs=-1)
    model = RunFolder(tmp_path).load_model()
    for place in (0, 1):
        np.testing.assert_array_equal(seen.kernels[0][place], seen.kernels[1][place])
    assert np.abs(seen.kernels[0][2] - seen.kernels[1][2]).max() > 0
    for name in ("norm1", "norm2"):
        np.testing.assert_array_equal(model.get_layer(name).moving_mean, 0)
        np.testing.assert_array_equal(model.get_layer(name).gamma, 1)


STAGES = {
    "train__epochs": 4,
    "train__frozen_epochs": 1,
    "train__unfreeze_epochs": 1,
    "train__clip_norm": 1.0,
    "train__ema": 0.9,
    "optimizer__backbone_lr_multiplier": 0.5,
    "checkpoint__every_steps": 1,
    "runtime__steps_per_call": 1,
}


def test_stages_thaw_one_by_one(config, tmp_path):
    seen = Weights()
    run(config, tmp_path / "whole", seen, **STAGES)
    moved = [
        [bool(np.abs(a - b).max() > 0) for a, b in zip(now, after, strict=True)]
        for now, after in zip(seen.kernels, seen.kernels[1:], strict=False)
    ]
    # In epochs 2, 3 and 4: the second stage from 2 on, the first from 3 on.
    assert moved == [[False, True, True], [True, True, True], [True, True, True]]


@pytest.mark.slow
def test_resume_between_stages_is_exact(config, tmp_path):
    whole = run(config, tmp_path / "whole", **STAGES)
    with pytest.raises(KeyboardInterrupt):
        run(config, tmp_path / "cut", Weights(stop_at=6), **STAGES)
    again = run(config, tmp_path / "cut", **STAGES)
    assert again["weights_sha256"] == whole["weights_sha256"]


def test_rates_by_hand(config):
    model = build(None, tiny.make_source())
    config.update_from_flattened_dict(
        {
            "optimizer.momentum": 0.0,
            "optimizer.nesterov": False,
            "optimizer.weight_decay": 0.1,
            "optimizer.backbone_lr_multiplier": 0.5,
            "optimizer.stage_lr_multiplier": 0.1,
        }
    )
    optimizer = make_optimizer(config, model, 0.2)
    optimizer.rates = learning_rates(model, 0.5, 0.1)
    values = [np.array(v) for v in model.trainable_variables]
    gradients = [np.ones_like(v) for v in values]
    new, _ = optimizer.stateless_apply(
        [v.value for v in optimizer.variables], gradients, values
    )
    expected = {"first": 0.05, "second": 0.5, "gate": 0.5, "logits": 1.0}
    for variable, before, after in zip(
        model.trainable_variables, values, new, strict=True
    ):
        rate = next((r for k, r in expected.items() if k in variable.path), None)
        if rate and variable.name == "kernel":
            decayed = before - before * 0.1 * 0.2 * rate
            np.testing.assert_allclose(after, decayed - 0.2 * rate, rtol=1e-4)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("train.frozen_epochs", -1),
        ("train.freeze_batch_norm", True),
        ("optimizer.backbone_lr_multiplier", 0.1),
        ("optimizer.stage_lr_multiplier", 0.5),
    ],
)
def test_what_needs_a_trunk_is_named_where_there_is_none(config, key, value):
    config.update_from_flattened_dict({key: value})
    with pytest.raises(SettingError, match=f"^{key}: expected a model with attention"):
        made(tiny.builder(), config, tiny.make_source())


def test_configs_of_before_train_all_at_one_rate(config):
    text = json.loads(configuration.to_json(config))
    for key in ("frozen_epochs", "unfreeze_epochs", "freeze_batch_norm"):
        del text["train"][key]
    for key in ("backbone_lr_multiplier", "stage_lr_multiplier"):
        del text["optimizer"][key]
    again = configuration.from_json(json.dumps(text))
    given = again.optimizer
    assert given.backbone_lr_multiplier == given.stage_lr_multiplier == 1.0
    assert again.train.frozen_epochs == 0
    config.train.frozen_epochs = -2
    with pytest.raises(SettingError, match=r"train\.frozen_epochs.*-1"):
        configuration.validate(config)
