"""What a training call computes, and what it leaves out."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from ltpa_tf import models
from ltpa_tf.layers import AttentionEstimator, ConcatHead
from ltpa_tf.models.names import variable_paths
from ltpa_tf.run import RunFolder
from ltpa_tf.training import train
from ltpa_tf.training.network import Network


@pytest.mark.parametrize(
    ("compatibility", "alive"), [("pc", False), ("dp", True)], ids=["pc", "dp"]
)
def test_only_what_reaches_the_logits_is_computed(compatibility, alive):
    model = models.build(
        width=0.0625, levels=(7, 10), compatibility=compatibility, dropout=0.0
    )
    trainable = [tf.convert_to_tensor(v) for v in model.trainable_variables]
    others = [tf.convert_to_tensor(v) for v in model.non_trainable_variables]
    images = tf.random.stateless_uniform((4, 32, 32, 3), (0, 1), maxval=255)
    with tf.GradientTape() as tape:
        tape.watch(trainable)
        outputs, after = Network(model)(trainable, others, images)
        logits = outputs["logits"]
    gradients = tape.gradient(logits, trainable, unconnected_gradients="zero")

    expected, expected_after = model.stateless_call(
        trainable, others, images, training=True
    )
    np.testing.assert_allclose(logits, expected, rtol=1e-4, atol=1e-5)
    changed = {}
    for variable, before, now, full in zip(
        model.non_trainable_variables, others, after, expected_after, strict=True
    ):
        changed[variable.path] = not np.array_equal(before, now)
        if changed[variable.path]:
            np.testing.assert_allclose(now, full, rtol=1e-4, atol=1e-6)
    assert changed["conv10_bn/moving_mean"]
    # conv14 and conv15 lead to the global feature alone.
    assert changed["conv15_bn/moving_mean"] is alive
    for variable, gradient in zip(model.trainable_variables, gradients, strict=True):
        if variable.path == "conv15_bn/gamma":
            assert bool(np.any(gradient)) is alive


def test_averaged_gradients_train_another_model_of_the_same_form(
    config, source, tmp_path
):
    """What is saved knows nothing of how it was trained."""

    def build(config, source):
        images = keras.Input(source.image_shape, name="images")
        x = keras.layers.Rescaling(1 / 100, name="scaled")(images)
        local = keras.layers.Conv2D(6, 3, activation="relu", name="local")(x)
        g = keras.layers.GlobalAveragePooling2D(name="g")(local)
        attended, _, _ = AttentionEstimator("dp", name="level_1")(local, g)
        return keras.Model(images, ConcatHead(3, name="logits")([attended]))

    config.train.epochs = 1
    saved = {}
    for averaged in (False, True):
        config.train.gradient_averaging = averaged
        folder = tmp_path / str(averaged)
        train(config, folder, source=source, build=build)
        saved[averaged] = RunFolder(folder).load_model()
    added, averaged = saved[False], saved[True]
    assert [x.name for x in averaged.layers] == [x.name for x in added.layers]
    paths = [list(variable_paths(model).values()) for model in (averaged, added)]
    assert paths[0] == paths[1]
    kernels = [model.get_layer("local").kernel.numpy() for model in saved.values()]
    assert not np.allclose(*kernels, rtol=1e-3)
