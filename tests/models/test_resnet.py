"""The residual network: the authors' numbers, and an implementation of its own."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from ltpa_tf import models
from ltpa_tf.errors import SettingError
from ltpa_tf.models import AttentionResNet

DATA = {"mean": (0.5,) * 3, "std": (0.25,) * 3}
SMALL = {"depth": 11, "width": 1 / 4, **DATA}


@pytest.fixture(scope="module")
def x():
    return np.random.default_rng(0).uniform(0, 255, (2, 32, 32, 3)).astype("float32")


def parameters(model):
    return sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)


def trunk_parameters(units):
    """Convolutions without biases; batch norm before each but the first."""
    count, before = 9 * 3 * 16, 16
    for channels in (64, 128, 256):
        inner = channels // 4
        for unit in range(units):
            of = before if unit == 0 else channels
            count += of * inner + 9 * inner * inner + inner * channels
            count += 2 * (of + inner + inner)
            count += of * channels if unit == 0 else 0  # shortcut
        before = channels
    return count + 2 * 256


@pytest.mark.parametrize(
    ("row", "more", "total"),
    [
        ("resnet164", 256 * 100 + 100, 1_726_388),
        (
            "resnet164_att2_concat_pc",
            (9 * 256 * 256 + 256 + 2 * 256 + 256 * 256 + 256)  # g
            + (2 * 256 + 256 * 128 + 128)  # its projection for stage 2
            + 384  # u
            + (2 * 384 + 384 * 100 + 100),  # head
            2_430_132,
        ),
    ],
)
def test_the_rows_have_the_parameters_of_the_authors_code(row, more, total):
    model = models.build(row, num_classes=100)
    assert parameters(model) == trunk_parameters(18) + more == total
    kernels = [x for x in model.layers if isinstance(x, keras.layers.Conv2D)]
    # 162 and the first, three shortcuts, and where there is one that of g.
    assert len(kernels) == 163 + 3 + ("att2" in row)


def reference(model, x):
    """The authors' modules one by one, from the model's weights alone."""
    weights = {w.path: np.asarray(w) for w in model.weights}

    def conv(x, name, stride=1):
        y = tf.nn.conv2d(x, weights[f"{name}/kernel"], stride, "SAME")
        return y + weights.get(f"{name}/bias", 0.0)

    def norm(x, name, epsilon=1e-5):
        gamma, beta, mean, variance = (
            weights[f"{name}_bn/{part}"]
            for part in ("gamma", "beta", "moving_mean", "moving_variance")
        )
        return tf.nn.relu((x - mean) / np.sqrt(variance + epsilon) * gamma + beta)

    x = conv((x / 255 - 0.5) / 0.25, "conv")
    levels = {}
    for stage in (1, 2, 3):
        name, stride = f"stage{stage}_unit1", 1 if stage == 1 else 2
        active = norm(x, f"{name}_1")
        y = conv(active, f"{name}_conv1", stride)
        y = conv(norm(y, f"{name}_2"), f"{name}_conv2")
        y = conv(norm(y, f"{name}_3"), f"{name}_conv3")
        x = levels[stage] = conv(active, f"{name}_shortcut", stride) + y
    g = tf.nn.max_pool2d(norm(x, "global"), 2, 2, "VALID")
    g = norm(conv(g, "global_conv"), "global_conv", 1e-3)
    g = tf.nn.max_pool2d(g, 4, 4, "VALID")[:, 0, 0]
    g = g @ weights["global_feature/kernel"] + weights["global_feature/bias"]
    return levels, g


def test_it_computes_what_the_authors_modules_do(x):
    keras.utils.set_random_seed(0)
    model = models.build("resnet164_att2_concat_pc", compatibility="dp", **SMALL)
    for weight in model.weights:  # statistics that are none of the defaults
        if weight.path.endswith(("gamma", "beta", "moving_mean", "moving_variance")):
            random = np.random.default_rng(len(weight.path))
            weight.assign(random.uniform(0.5, 1.5, weight.shape))
    levels, g = reference(model, x)
    for stage, name in ((2, "stage2_unit1"), (3, "stage3_unit1")):
        found = keras.Model(model.input, model.get_layer(name).output)(x)
        np.testing.assert_allclose(found, levels[stage], rtol=1e-3, atol=1e-4)
    found = keras.Model(model.input, model.get_layer("global_feature").output)(x)
    np.testing.assert_allclose(found, g, rtol=1e-3, atol=1e-4)
    # Stage 3 has the channels of g: its scores need no projection.
    scores = np.einsum("bhwc,bc->bhw", levels[3], g)
    expected = tf.nn.softmax(scores.reshape(2, -1)).numpy().reshape(scores.shape)
    found = models.attention_model(model)(x)
    np.testing.assert_allclose(found["level_3"], expected, rtol=1e-2, atol=1e-5)
    assert found["level_2"].shape == (2, 16, 16)


def test_dropout_is_where_the_authors_have_it():
    model = models.build("resnet164_att2_concat_pc", **SMALL)
    assert model.get_layer("global_conv_dropout").rate == 0.4
    assert model.get_layer("global_dropout").rate == 0.5
    before = [model.get_layer("match_2").before, *model.get_layer("logits").before]
    assert [x.steps[-1].rate for x in before] == [0.5, 0.3, 0.3]


def test_the_controls_have_no_attention(x):
    for row in ("resnet164", "resnet164_none"):
        model = models.build(row, **SMALL)
        assert models.levels_of(model) == ()
        assert model(x).shape == (2, 10)


@pytest.mark.parametrize("size", [(32, 32), (33, 47), (None, None)])
def test_any_size_and_level(size):
    model = AttentionResNet((*size, 3), levels=(1, 2, 3), depth=11, width=1 / 16)
    some = (1, *(n or 50 for n in size), 3)
    assert model(np.zeros(some)).shape == (1, 10)
    assert models.levels_of(model) == (1, 2, 3)


def test_it_is_saved_as_its_arguments(x, tmp_path):
    model = models.build("resnet164_att2_concat_pc", normalization="sigmoid", **SMALL)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    assert isinstance(again, AttentionResNet)
    np.testing.assert_array_equal(again(x), model(x))
    assert again.get_config() == model.get_config()


def test_its_cells_lie_where_their_gradient_is():
    """A 1x1 convolution of stride 2 takes the first of two pixels."""
    model = models.build("resnet164_att2_concat_pc", **SMALL)
    grids = models.grids(model)
    assert grids["level_2"].offset == grids["level_3"].offset == (0, 0)
    assert grids["level_3"].stride == (4, 4)


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"depth": 50}, r"depth: expected 9 n \+ 2.*Received: 50"),
        ({"depth": 2}, "depth: .*Received: 2"),
        ({"levels": (0,)}, "levels: expected .*1 to 3.*Received: 0"),
        ({"levels": "3"}, "levels: .*Received: '3'"),
        ({"width": 0}, "width"),
        (
            {"trunk": "vgg_d"},
            "trunk: expected none, for resnet164_att2.*takes depth.*Received: 'vgg_d'",
        ),
        ({"normalization": "topk"}, "positions"),
    ],
)
def test_what_can_not_be_built_is_named(settings, named):
    with pytest.raises(SettingError, match=named):
        models.resolve("resnet164_att2_concat_pc", **settings)
