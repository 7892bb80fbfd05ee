"""The builder: the paper's numbers, every choice, any size."""

import itertools
import json

import keras
import numpy as np
import pytest
import tensorflow as tf

from ltpa_tf.errors import SettingError
from ltpa_tf.layers import AttentionEstimator, ChannelMatching
from ltpa_tf.models import AttentionVGG, attention_model, build, evidence_model

SMALL = 1 / 16
DATA = {"mean": (0.5,) * 3, "std": (0.25,) * 3}


def parameters(model):
    """Trained parameters: what the paper counts, so without moving statistics."""
    return sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)


def images(size=(32, 32), batch=4, channels=3):
    random = np.random.default_rng(0)
    return random.uniform(0, 255, (batch, *size, channels)).astype("float32")


def convolutions(*channels):
    return sum(9 * i * o + o for i, o in itertools.pairwise(channels))


def test_att3_has_the_papers_parameters():
    trunk = (3, 64, 64, 128, 128, *3 * (256,), *8 * (512,))
    expected = (
        convolutions(*trunk)
        + 2 * sum(trunk[1:])  # batch norm
        + (512 * 512 + 512)  # the global feature's linear layer
        + (2 * 512 + 512 * 256 + 256)  # projection of g for level 7
        + 1280  # u of levels 7, 10, 13
        + (2 * 1280 + 1280 * 100 + 100)  # head
    )
    assert parameters(build("vgg_att3_concat_pc", num_classes=100)) == expected
    assert expected == 19_971_748  # 19.97 M


def test_plain_vgg_has_the_papers_parameters():
    trunk = (3, 64, 64, 128, 128, *3 * (256,), *6 * (512,))
    expected = (
        convolutions(*trunk)
        + 2 * sum(trunk[1:])
        + (512 * 512 + 512)
        + (2 * 512 + 512 * 100 + 100)
    )
    assert parameters(build("vgg", num_classes=100)) == expected
    assert expected == 15_038_116  # 15.0 M


def test_levels_are_taken_before_or_after_their_pool():
    shapes = {}
    for tap in ("before_pool", "after_pool"):
        model = AttentionVGG(levels=(6, 7, 10, 13), tap=tap, width=SMALL)
        maps = attention_model(model).output
        shapes[tap] = [maps[f"level_{s}"].shape[1:] for s in (6, 7, 10, 13)]
    assert shapes["before_pool"] == [(32, 32), (32, 32), (16, 16), (8, 8)]
    assert shapes["after_pool"] == [(32, 32), (16, 16), (8, 8), (4, 4)]


def test_levels_are_sorted_and_count_once():
    model = AttentionVGG(levels=[13, np.int64(2), 13], width=SMALL)
    estimators = [x.name for x in model.layers if isinstance(x, AttentionEstimator)]
    assert estimators == ["level_2", "level_13"]


@pytest.mark.parametrize(
    ("trunk", "last"), [("paper", 13), ("vgg_d", 13), ("vgg_e", 16)]
)
def test_every_convolution_can_be_a_level(trunk, last):
    levels = range(1, last + 1)
    model = attention_model(AttentionVGG(trunk=trunk, levels=levels, width=SMALL))
    maps = model(images())
    assert sorted(maps) == sorted(["logits", *(f"level_{level}" for level in levels)])
    for level in levels:
        totals = np.sum(maps[f"level_{level}"], axis=(1, 2))
        np.testing.assert_allclose(totals, 1, rtol=1e-5)


@pytest.mark.parametrize("match", ["global_to_local", "local_to_global"])
@pytest.mark.parametrize("compatibility", ["pc", "dp", "local", "additive"])
def test_the_projection_is_where_channels_differ(compatibility, match):
    model = AttentionVGG(compatibility=compatibility, match=match, width=SMALL)
    projections = [x for x in model.layers if isinstance(x, ChannelMatching)]
    if compatibility in ("local", "additive"):
        assert not projections
    else:
        (projection,) = projections  # level 7: 16 channels, g: 32
        assert projection.name == "match_7"
        channels, of = (16, "vector") if match == "global_to_local" else (32, "map")
        assert projection.channels == channels
        assert len(projection.input.shape) == (2 if of == "vector" else 4)
    # What is attended to is the unprojected feature, either way.
    assert model.get_layer("level_7").output[0].shape == (None, 16)


@pytest.mark.parametrize("trunk", ["paper", "vgg_d", "vgg_e"])
@pytest.mark.parametrize("size", [(32, 32), (80, 80), (33, 47), (224, 224)])
def test_any_size(trunk, size):
    shape = (*size, 3)
    model = AttentionVGG(shape, trunk=trunk, compatibility="dp", width=1 / 64)
    assert model(images(size, batch=2)).shape == (2, 10)


def test_sizes_may_stay_open_and_weights_move_between_them():
    settings = {"compatibility": "dp", "width": SMALL}
    open_model = AttentionVGG((None, None, 3), **settings)
    for size in ((32, 32), (40, 56)):
        fixed = AttentionVGG((*size, 3), **settings)
        fixed.set_weights(open_model.get_weights())
        np.testing.assert_allclose(
            open_model(images(size)), fixed(images(size)), rtol=0, atol=1e-6
        )


def test_at_32_pixels_g_is_the_papers_linear_layer_of_the_last_pool():
    model = AttentionVGG(compatibility="dp", width=SMALL, **DATA)
    pooled = keras.Model(model.input, model.get_layer("pool15").output)(images())
    g = keras.Model(model.input, model.get_layer("global_feature").output)(images())
    layer = model.get_layer("global_feature")
    expected = np.asarray(pooled)[:, 0, 0] @ layer.kernel + layer.bias
    np.testing.assert_allclose(g, expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    ("normalization", "match"),
    [("softmax", "global_to_local"), ("softmax", "local_to_global"), ("sigmoid", None)],
)
def test_pc_softmax_leaves_the_branch_of_g_without_gradient(normalization, match):
    model = AttentionVGG(
        normalization=normalization,
        match=match or "global_to_local",
        width=SMALL,
        **DATA,
    )
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(tf.nn.log_softmax(model(images(), training=False))[:, 0])
    gradients = tape.gradient(loss, model.trainable_weights)
    largest = {}
    for weight, gradient in zip(model.trainable_weights, gradients, strict=True):
        layer = weight.path.split("/")[0]
        largest[layer] = max(largest.get(layer, 0), np.abs(gradient).max())
    still = {layer for layer, value in largest.items() if value < 1e-6}
    branch = {"conv14", "conv14_bn", "conv15", "conv15_bn", "global_feature"}
    if match == "global_to_local":
        branch |= {"match_7"}
    assert still == (branch if normalization == "softmax" else set())


def test_without_levels_the_head_sees_g():
    model = AttentionVGG(levels=(), width=SMALL)
    assert not [x for x in model.layers if isinstance(x, AttentionEstimator)]
    assert model.get_layer("global_feature").output is model.get_layer("logits").input


def test_vgg_gap_is_made_for_class_activation_maps():
    model = build("vgg_gap", num_classes=5, width=SMALL)
    features = keras.Model(model.input, model.get_layer("conv13_relu").output)(images())
    linear = model.get_layer("logits").linear[0]
    class_maps = np.asarray(features) @ linear.kernel + linear.bias
    assert class_maps.shape == (4, 8, 8, 5)
    np.testing.assert_allclose(
        model(images()), class_maps.mean((1, 2)), rtol=0, atol=1e-5
    )


def test_the_global_feature_can_be_each_channels_largest():
    settings = {"global_feature": "max", "levels": (), "projection": "linear"}
    model = AttentionVGG(trunk="fast", width=SMALL, **settings, **DATA)
    features = keras.Model(model.input, model.get_layer("conv9_silu").output)(images())
    linear = model.get_layer("logits").linear[0]
    logits = np.asarray(features).max((1, 2)) @ linear.kernel + linear.bias
    np.testing.assert_allclose(model(images()), logits, rtol=0, atol=1e-5)


def test_a_level_can_give_its_largest_features_beside_the_attended_ones():
    model = AttentionVGG(
        levels=(10, 13),
        descriptor="attended_and_max",
        projection="linear",
        width=SMALL,
        **DATA,
    )
    names = ("conv10_relu", "conv13_relu")
    local = [model.get_layer(name).output for name in names]
    maps = [model.get_layer(f"level_{n}").output[2] for n in (10, 13)]
    local, maps = (
        [np.asarray(x) for x in keras.Model(model.input, outputs)(images())]
        for outputs in (local, maps)
    )
    descriptors = []
    for features, attention in zip(local, maps, strict=True):
        descriptors.append((features * attention[..., None]).sum((1, 2)))
        descriptors.append(features.max((1, 2)))
    linear = model.get_layer("logits").linear[0]
    logits = np.concatenate(descriptors, -1) @ linear.kernel + linear.bias
    np.testing.assert_allclose(model(images()), logits, rtol=0, atol=1e-5)
    with pytest.raises(SettingError, match="the descriptors of attention estimators"):
        evidence_model(model)


def test_pixels_are_normalized_inside_the_model():
    mean, std = np.array([0.5, 0.4, 0.3]), np.array([0.2, 0.25, 0.3])
    raw = AttentionVGG(mean=mean, std=std, width=SMALL)
    raw.to_json()  # NumPy's numbers stand in no file
    bare = AttentionVGG(width=SMALL)
    bare.set_weights(raw.get_weights())
    pixels = images().round()
    by_hand = ((pixels / 255 - mean) / std).astype("float32")
    np.testing.assert_allclose(raw(pixels), bare(by_hand), rtol=0, atol=1e-5)
    np.testing.assert_array_equal(raw(pixels.astype("uint8")), raw(pixels))


@pytest.mark.parametrize("dtype", ["mixed_bfloat16", "mixed_float16"])
@pytest.mark.parametrize("head", ["concat", "indep"])
def test_low_precision_keeps_logits_and_maps_in_float32(dtype, head):
    settings = {"head": head, "compatibility": "dp", "width": SMALL}
    exact = AttentionVGG(**settings, **DATA)
    rough = AttentionVGG(**settings, **DATA, dtype=dtype)
    rough.set_weights(exact.get_weights())
    expected, outputs = (attention_model(m)(images()) for m in (exact, rough))
    assert rough.get_layer("conv3").compute_dtype == dtype.removeprefix("mixed_")
    for name, output in outputs.items():
        assert output.dtype == "float32"
        np.testing.assert_allclose(output, expected[name], rtol=0, atol=0.1)
        if name != "logits":
            np.testing.assert_allclose(np.sum(output, (1, 2)), 1, rtol=1e-5)


def test_compiles_fits_saves_and_loads(tmp_path):
    small = {"trunk": "faster", "levels": (2, 4), "width": SMALL, "dropout": 0.0}
    model = AttentionVGG(num_classes=2, **small, **DATA)
    labels = np.arange(32) % 2
    x = images(batch=32) * np.where(labels, 1.0, 0.7)[:, None, None, None]
    model.compile(
        keras.optimizers.SGD(0.05, momentum=0.9),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        jit_compile=False,
    )
    history = model.fit(x, labels, batch_size=16, epochs=6, verbose=0).history
    assert history["loss"][-1] < 0.5 * history["loss"][0]

    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded(x), model(x))
    loaded.fit(x, labels, batch_size=16, verbose=0)


def test_a_model_is_made_again_from_its_config(tmp_path):
    settings = {"levels": [13, 7], "compatibility": "additive", "head": "indep"}
    model = AttentionVGG((None, 40, 3), 3, **settings, width=SMALL, **DATA, name="mine")
    config = model.get_config()
    assert (config["image_shape"], config["num_classes"]) == ((None, 40, 3), 3)
    assert (config["levels"], config["mean"]) == ((7, 13), tuple(DATA["mean"]))
    again = AttentionVGG.from_config(json.loads(json.dumps(config)))
    assert again.get_config() == config
    # Weights are kept by the layers, as of any functional model.
    model.save_weights(tmp_path / "model.weights.h5")
    keras.Model(again.input, again.output).load_weights(tmp_path / "model.weights.h5")
    x = images(size=(48, 40))
    np.testing.assert_array_equal(again(x), model(x))


@pytest.mark.parametrize("dtype", ["float32", "mixed_bfloat16"])
def test_a_saved_model_is_of_its_class(tmp_path, dtype):
    model = build("vgg_att2_concat_pc", width=SMALL, dtype=dtype)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert type(loaded) is AttentionVGG
    assert (loaded.name, loaded.levels) == ("vgg_att2_concat_pc", (10, 13))
    assert loaded.dtype_policy.name == loaded.layers[-1].dtype_policy.name == dtype
    np.testing.assert_array_equal(loaded(images()), model(images()))


def test_attention_layers_go_by_level():
    model = AttentionVGG(levels=(13, 7), width=SMALL)
    assert list(model.attention_layers) == [7, 13] == list(model.levels)
    for level, layer in model.attention_layers.items():
        assert layer is model.get_layer(f"level_{level}")
        assert layer.level == level
    with pytest.raises(TypeError):
        model.attention_layers[10] = model.layers[0]
    assert not AttentionVGG(levels=(), width=SMALL).attention_layers


def test_without_batch_norm_and_dropout_there_is_none_anywhere():
    model = AttentionVGG(batch_norm=False, dropout=0.0, width=SMALL)
    assert not model.non_trainable_variables  # neither statistics nor random states
    assert not any("_bn" in w.path or "norm" in w.path for w in model.weights)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"trunk": "resnet"},
            "trunk: expected one of paper, vgg_d, vgg_e, fast.*Received: 'resnet'",
        ),
        ({"levels": (99,)}, "levels: expected .*1 to 13 for paper.*Received: 99"),
        ({"levels": (0, 13)}, "levels: expected .*Received: 0"),
        ({"levels": (7.5,)}, "levels: .*Received: 7.5"),
        ({"levels": (True,)}, "levels: .*Received: True"),
        ({"levels": "13"}, "levels: .*Received: '13'"),
        ({"levels": 13}, "levels: expected .*Received: 13"),
        (
            {"levels": (17,), "trunk": "vgg_e"},
            "levels: .*1 to 16 for vgg_e.*Received: 17",
        ),
        ({"tap": "pool"}, "tap: .*before_pool, after_pool"),
        ({"compatibility": "cosine"}, "compatibility: .*pc, dp, local, additive"),
        ({"normalization": "none"}, "normalization: .*softmax, sigmoid"),
        ({"positions": 3}, "positions: expected None with softmax.*Received: 3"),
        (
            {"normalization": "topk", "positions": 65},
            r"positions: expected 1 to 64, .* \(8x8\).*Received: 65",
        ),
        ({"match": "both"}, "match: .*global_to_local, local_to_global"),
        ({"projection": "conv"}, "projection: .*paper, linear"),
        ({"head": "sum"}, "head: .*concat, indep"),
        ({"width": 0}, "width: expected a number above 0.*Received: 0"),
        ({"width": float("nan")}, "width: .*Received: nan"),
        ({"width": "1"}, "width: .*Received: '1'"),
        ({"logit_scale": 0}, "logit_scale: expected a number above 0.*Received: 0"),
        ({"batch_norm": "yes"}, "batch_norm: .*True, False"),
        ({"dropout": 1.0}, "dropout: expected 0 or more, and below 1.*Received: 1.0"),
        ({"global_feature": "mean"}, "global_feature: .*fc, gap, max"),
        ({"descriptor": "max"}, "descriptor: .*attended, attended_and_max"),
        ({"score_scale": 0.0}, "score_scale: expected a number above 0.*Received: 0.0"),
        ({"num_classes": 1}, "num_classes: .*Received: 1"),
        ({"num_classes": "10"}, "num_classes: .*Received: '10'"),
        ({"num_classes": 2.5}, "num_classes: .*Received: 2.5"),
        ({"image_shape": 32}, "image_shape: .*Received: 32"),
        ({"image_shape": None}, "image_shape: .*Received: None"),
        ({"image_shape": ()}, "image_shape: "),
        ({"image_shape": ("a", 32, 3)}, "image_shape: .*'a'"),
        ({"image_shape": (32.0, 32, 3)}, "image_shape: .*32.0"),
        ({"image_shape": (32, 32, -3)}, "image_shape: .*-3"),
        ({"image_shape": (32, 32, None)}, "image_shape: .*None"),
        ({"image_shape": (32, 32)}, "image_shape: .*height, width, channels"),
        ({"image_shape": (28, 28, 1)}, "image_shape: .*from 32 up"),
        ({"mean": (0.5,) * 3}, "mean: .*together"),
        ({"mean": 0.5, "std": (0.2,) * 3}, "mean: expected 3 numbers.*Received: 0.5"),
        ({"mean": (0.5,) * 3, "std": "abc"}, "std: .*Received: 'abc'"),
        ({"mean": (0.5,) * 3, "std": (0.2, 0.2, np.nan)}, "std: .*finite.*nan"),
        ({"mean": (0.5, np.inf, 0.5), "std": (0.2,) * 3}, "mean: .*finite.*inf"),
        ({"mean": (0.5,), "std": (0.2,)}, "mean: .*3 numbers"),
        ({"mean": (0.5,) * 3, "std": (0.2, 0.2, 0.0)}, "std: .*above 0"),
        (
            {"trunk": "vgg_d", "tap": "after_pool"},
            "levels: .*1x1 after_pool of a 32x32 image.*Received: 13",
        ),
    ],
)
def test_what_cannot_be_built_is_refused_in_a_sentence(arguments, message):
    with pytest.raises(SettingError, match=message):
        AttentionVGG(**arguments)


@pytest.mark.parametrize(
    "settings",
    [
        {"levels": (7, 10)},
        {"levels": (4, 7), "trunk": "fast", "projection": "linear"},
        {"levels": (), "trunk": "vgg_d", "global_feature": "gap"},
    ],
)
def test_a_users_image_data_format_changes_nothing(channels_first, settings):
    settings |= {"width": 0.125, "mean": (0.5, 0.4, 0.3), "std": (0.2, 0.3, 0.4)}
    images = np.random.default_rng(0).uniform(0, 255, (2, 32, 32, 3)).astype("float32")
    model = AttentionVGG(**settings)
    found = model(images)
    keras.config.set_image_data_format("channels_last")
    usual = AttentionVGG(**settings)
    usual.set_weights(model.get_weights())
    np.testing.assert_array_equal(found, usual(images))
