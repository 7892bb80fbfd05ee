"""Attention on KerasHub's backbones, where that is installed."""

import keras
import numpy as np
import pytest

from ltpa_tf import models

tf = pytest.importorskip("tensorflow")
hub = pytest.importorskip("keras_hub").models

SIZE = 96


def resnet():
    return hub.ResNetBackbone(
        input_conv_filters=[64],
        input_conv_kernel_sizes=[7],
        stackwise_num_filters=[64, 64, 64, 64],
        stackwise_num_blocks=[1, 1, 1, 1],
        stackwise_num_strides=[1, 2, 2, 2],
        block_type="basic_block",
        image_shape=(SIZE, SIZE, 3),
    )


def efficientnet():
    return hub.EfficientNetBackbone(
        stackwise_kernel_sizes=[3, 3, 5],
        stackwise_num_repeats=[1, 1, 1],
        stackwise_input_filters=[8, 8, 16],
        stackwise_output_filters=[8, 16, 24],
        stackwise_expansion_ratios=[1, 4, 4],
        stackwise_squeeze_and_excite_ratios=[0.25] * 3,
        stackwise_strides=[1, 2, 2],
        stackwise_block_types=["v1"] * 3,
        stackwise_width_coefficients=[1.0] * 3,
        stackwise_depth_coefficients=[1.0] * 3,
        stackwise_force_input_filters=[0] * 3,
        stackwise_nores_option=[False] * 3,
        num_features=32,
        input_shape=(SIZE, SIZE, 3),
    )


def mobilenet(gates=True):
    """Blocks that are layers of their own; `gates`: with squeeze and excitation."""
    return hub.MobileNetBackbone(
        stackwise_expansion=[[16], [72]],
        stackwise_num_blocks=[1, 1],
        stackwise_num_filters=[[16], [24]],
        stackwise_kernel_size=[[3], [3]],
        stackwise_num_strides=[[2], [2]],
        stackwise_se_ratio=[[None], [0.25 if gates else None]],
        stackwise_activation=[["relu"], ["hard_swish"]],
        stackwise_padding=[[1], [1]],
        output_num_filters=64,
        depthwise_filters=8,
        depthwise_stride=2,
        depthwise_residual=False,
        last_layer_filter=64,
        squeeze_and_excite=0.5 if gates else None,
        image_shape=(SIZE, SIZE, 3),
    )


def pyramid(make):
    def of_all_resolutions():
        backbone = make()
        return keras.Model(backbone.inputs, backbone.pyramid_outputs)

    return of_all_resolutions


BACKBONES = {
    "resnet": (resnet, (8, 16, 32)),
    "resnet pyramid": (pyramid(resnet), (8, 16, 32)),
    "efficientnet": (efficientnet, (2, 4, 8)),
    "efficientnet pyramid": (pyramid(efficientnet), (2, 4, 8)),
    "mobilenet": (mobilenet, (4, 8, 16)),
}


@pytest.mark.parametrize("name", BACKBONES)
def test_it_trains_and_is_the_same_from_a_file(name, tmp_path):
    make, strides = BACKBONES[name]
    model = models.attach(make(), 5)
    levels = models.estimators(model)
    assert [level.name for level in levels] == [f"level_{s}" for s in strides]
    images = np.random.default_rng(0).uniform(0, 255, (2, SIZE, SIZE, 3))
    first = next(x for x in model._flatten_layers() if hasattr(x, "kernel"))
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(model(images, training=True) ** 2)
    wanted = [first.kernel.value, *(level.scoring.u.value for level in levels)]
    for gradient in tape.gradient(loss, wanted):
        assert np.abs(gradient).max() > 0
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(loaded(images), model(images), rtol=1e-5, atol=1e-5)
    maps = models.attention_model(loaded)(images)
    for stride in strides:
        assert maps[f"level_{stride}"].shape == (2, SIZE // stride, SIZE // stride)
    models.freeze_batch_norm(model)
    trunk = [
        inner for s in models.stages(model) for x in s for inner in x._flatten_layers()
    ]
    norms = [x for x in trunk if isinstance(x, keras.layers.BatchNormalization)]
    assert norms and not any(layer.trainable for layer in norms)


def test_cells_lie_where_their_gradient_is_inside_of_blocks():
    model = models.attach(mobilenet(gates=False), 5)
    grids = models.grids(model)
    image = tf.constant(np.random.default_rng(0).uniform(0, 255, (8, SIZE, SIZE, 3)))
    for level in models.estimators(model):
        local = keras.tree.flatten(level.input)[0]
        features = keras.Model(model.input, local)
        cell = local.shape[1] // 2
        with tf.GradientTape() as tape:
            pixels = tf.cast(image, tf.float32)
            tape.watch(pixels)
            value = tf.reduce_sum(features(pixels)[:, cell, cell] ** 2)
        seen = np.abs(tape.gradient(value, pixels)).max((0, 2, 3)).nonzero()[0]
        grid = grids[level.name]
        assert seen[-1] - seen[0] + 1 == grid.extent[0]
        centre = (seen[0] + seen[-1]) / 2
        assert centre == grid.offset[0] + cell * grid.stride[0]
