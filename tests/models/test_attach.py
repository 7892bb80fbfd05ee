"""Attention on networks made elsewhere: levels, pixels, weights, refusals."""

import keras
import numpy as np
import pytest

from ltpa_tf import models
from ltpa_tf.errors import SettingError
from ltpa_tf.layers import AttentionEstimator

conv = keras.layers.Conv2D


def small(size=(32, 32), channels=3, top=True):
    """Three resolutions: a branch and a padding at their ends, a model inside."""
    image = keras.Input((*size, channels))
    x = conv(4, 3, strides=2, padding="same", activation="relu", name="stem")(image)
    side = conv(6, 3, strides=2, padding="same", name="side")(x)
    main = conv(6, 1, activation="relu", name="branch")(x)  # no way around it
    main = keras.layers.ZeroPadding2D(1, name="border")(main)
    main = conv(6, 3, strides=2, name="reduce")(main)
    x = keras.layers.Add(name="sum")([side, main])
    inside = keras.Sequential([conv(8, 3, padding="same", name="inner")], name="block")
    x = keras.layers.ReLU(name="out4")(inside(x))
    x = keras.layers.MaxPooling2D(2, name="pool")(x)
    x = keras.layers.BatchNormalization(name="norm")(x)
    if top:
        x = keras.layers.Flatten()(x) if size[0] else keras.layers.Identity()(x)
        x = keras.layers.Dense(9, name="old_logits")(x)
    return keras.Model(image, x, name="small")


def attended(model):
    """Name of each estimator -> name of the layer whose features it attends to."""
    found = {}
    for layer in model.layers:
        if isinstance(layer, AttentionEstimator):
            local = layer.input[0] if isinstance(layer.input, list) else layer.input
            found[layer.name] = local._keras_history.operation.name
    return found


def images(*shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, shape).astype("float32")


def test_the_last_tensor_of_each_resolution_is_attended_to():
    model = models.attach(small(), 5)
    # Not "branch" or "border", which "side" leads around.
    assert attended(model) == {"level_2": "stem", "level_4": "out4", "level_8": "norm"}
    assert model.output_shape == (None, 5)
    names = [layer.name for layer in model.layers]
    assert "inner" in names  # of the model inside
    assert "old_logits" not in names
    assert model.name == "attention_small"
    maps = models.attention_model(model)(images(2, 32, 32, 3))
    assert {n: tuple(m.shape) for n, m in maps.items()} == {
        "level_2": (2, 16, 16),
        "level_4": (2, 8, 8),
        "level_8": (2, 4, 4),
        "logits": (2, 5),
    }


def test_levels_by_stride_and_by_name():
    model = models.attach(small(), 5, levels=(8, "branch", "inner"))
    assert attended(model) == {
        "level_branch": "branch",
        "level_inner": "inner",
        "level_8": "norm",
    }
    for one in (8, "norm"):
        alone = models.attach(small(), 5, levels=one)
        assert list(attended(alone).values()) == ["norm"]
    numbers = models.attach(small(), 5, levels=np.array([4, 8]))
    assert attended(numbers) == {"level_4": "out4", "level_8": "norm"}
    control = models.attach(small(), 5, levels=())
    assert attended(control) == {}
    assert control(images(1, 32, 32, 3)).shape == (1, 5)


def test_what_it_computes_by_hand():
    backbone = small(top=False)
    model = models.attach(backbone, 5, levels=(4, 8), projection="linear", dropout=0.0)
    x = images(3, 32, 32, 3)
    names = ("out4", "norm")
    tensors = [backbone.get_layer(name).output for name in names]
    features = keras.Model(backbone.input, tensors)(x)
    descriptors = []
    for stride, local in zip((4, 8), features, strict=True):
        local = np.asarray(local, "float64").reshape(3, -1, local.shape[-1])
        u = np.asarray(model.get_layer(f"level_{stride}").scoring.u, "float64")
        scores = np.exp(local @ u - (local @ u).max(1, keepdims=True))
        descriptors.append((scores / scores.sum(1, keepdims=True) * local).sum(1))
    linear = model.get_layer("logits").linear[0]
    kernel, bias = (np.asarray(w, "float64") for w in (linear.kernel, linear.bias))
    expected = np.concatenate(descriptors, -1) @ kernel + bias
    np.testing.assert_allclose(model(x), expected, rtol=1e-4, atol=1e-4)


def test_weights_are_the_backbones_own():
    backbone = small(top=False)
    backbone.trainable = False
    model = models.attach(backbone, 5)
    own = {id(w) for w in backbone.weights}
    assert own <= {id(w) for w in model.weights}
    assert not own & {id(w) for w in model.trainable_weights}
    assert model.trainable_weights


@pytest.mark.parametrize("head", ["concat", "indep"])
@pytest.mark.parametrize("compatibility", ["pc", "dp", "local", "additive"])
@pytest.mark.parametrize("match", ["global_to_local", "local_to_global"])
def test_every_form_of_attention(compatibility, match, head):
    form = {"compatibility": compatibility, "match": match, "head": head}
    model = models.attach(small(), 4, **form)
    x = images(2, 32, 32, 3)
    np.testing.assert_allclose(models.prune(model)(x), model(x), rtol=1e-4, atol=1e-5)
    # Evidence adds up to the logit: the head knows the estimators as its own.
    evidence = models.evidence_model(model, of_predicted=True)(x)
    bias = np.asarray(evidence.pop("evidence_bias"))
    sums = sum(np.asarray(v).sum((1, 2)) for k, v in evidence.items() if k != "logits")
    if head == "concat":
        total = sums + bias[:, 0]
        np.testing.assert_allclose(total, np.max(model(x), -1), rtol=1e-3, atol=1e-4)


def test_grey_images_of_any_size_in_half_precision():
    backbone = small(top=False)
    shape = (None, None, 1)
    model = models.attach(backbone, 5, image_shape=shape, dtype="mixed_bfloat16")
    assert model.input_shape == (None, *shape)
    assert model.get_layer("stem").compute_dtype == "bfloat16"
    assert model.get_layer("pixels").compute_dtype == "float32"
    grey = images(2, 48, 40, 1)
    logits = model(grey)
    assert keras.backend.standardize_dtype(logits.dtype) == "float32"
    whole = models.as_float32(model)
    colour = models.attach(backbone, 5, image_shape=(None, None, 3))
    colour.set_weights(whole.get_weights())
    np.testing.assert_allclose(whole(grey), colour(grey.repeat(3, -1)), atol=1e-4)
    np.testing.assert_allclose(whole(grey), logits, rtol=0.1, atol=5)
    # Under another policy the layers are new ones.
    assert backbone.get_layer("stem").compute_dtype == "float32"


def test_mean_and_std_are_for_what_is_not_known():
    mean, std = (0.1, 0.2, 0.3), (0.4, 0.5, 0.6)
    model = models.attach(small(), 5, mean=mean, std=std)
    pixels = images(1, 4, 4, 3)
    expected = (pixels / 255 - mean) / std
    np.testing.assert_allclose(model.get_layer("pixels")(pixels), expected, atol=1e-5)
    plain = models.attach(small(), 5).get_layer("pixels")
    np.testing.assert_array_equal(plain(pixels), pixels)


def test_grids_agree_with_the_backbone():
    model = models.attach(small((33, 40)), 5)
    grids, own = models.grids(model), models.grids(small((33, 40)))
    for level, layer in attended(model).items():
        assert grids[level] == own[layer]


class Subclassed(keras.Model):
    def call(self, x):
        return x


def two_inputs():
    inputs = [keras.Input((32, 32, 3)), keras.Input((32, 32, 3))]
    return keras.Model(inputs, keras.layers.Add()(inputs))


def of(*layers, shape=(32, 32, 3)):
    return keras.Sequential([keras.Input(shape), *layers])


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (Subclassed, "Subclassed has no graph"),
        (lambda: keras.Sequential([conv(4, 3)]), "no input yet"),
        (two_inputs, "2 inputs"),
        (lambda: of(keras.layers.Dense(4), shape=(7,)), r"its input is \(None, 7\)"),
        (lambda: of(keras.layers.Flatten(), keras.layers.Dense(4)), "have positions"),
        (lambda: of(conv(4, 3, data_format="channels_first")), "channels first"),
        (
            lambda: of(
                conv(8, 8, strides=8),
                keras.layers.Reshape((16, 8)),
                keras.layers.Dense(8),
            ),
            "vision transformer",
        ),
        (lambda: of(conv(4, 3, name="level_1")), '"level_1" is used 2 times'),
    ],
)
def test_what_cannot_be_attached_to_is_refused_with_the_reason(make, said):
    with pytest.raises(SettingError, match=said) as error:
        models.attach(make(), 5)
    assert error.value.setting == "backbone"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"num_classes": 1}, "num_classes"),
        ({"levels": (16,)}, r"strides of the backbone \(2, 4, 8\)"),
        ({"levels": (True,)}, "strides or names of layers"),
        ({"levels": (8.0,)}, "strides or names of layers"),
        ({"resolutions": 0}, r"resolutions.*levels=\(\)"),
        ({"resolutions": -1}, "1 or more"),
        ({"dtype": "float17"}, "dtype: expected a dtype policy.*float32"),
        ({"levels": "old_logits"}, "names of its layers that have positions"),
        ({"levels": (8,), "image_shape": (8, 8, 3)}, "norm has 1x1"),
        (
            {"image_shape": (4, 4, 3)},
            "image_shape.*zero or negative",
        ),
        ({"image_shape": (32, 32, 2)}, "with 3 channels as the backbone has, or 1"),
        ({"compatibility": "cosine"}, "pc, dp, local, additive"),
        ({"preprocessing": "keras"}, "auto, none, tf, torch, caffe"),
        ({"mean": (0.5,) * 3}, "mean and std together"),
        ({"dropout": 1.0}, "below 1"),
    ],
)
def test_wrong_arguments_are_named(arguments, said):
    with pytest.raises(SettingError, match=said):
        models.attach(small(), **{"num_classes": 5, **arguments})


def test_a_named_network_does_not_follow_a_users_image_data_format(channels_first):
    made = models.named_backbone("mobilenetv2", "", (32, 32, 3))
    assert keras.config.image_data_format() == "channels_first"  # still the user's
    found = models.attach(made, 5)(images(1, 32, 32, 3))
    keras.config.set_image_data_format("channels_last")
    usual = models.named_backbone("mobilenetv2", "", (32, 32, 3))
    usual.set_weights(made.get_weights())
    np.testing.assert_array_equal(
        made(images(1, 32, 32, 3)), usual(images(1, 32, 32, 3))
    )
    assert found.shape == (1, 5)
