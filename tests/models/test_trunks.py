"""The convolutions, counted and measured."""

import keras
import numpy as np
import pytest

from ltpa_tf.models.trunks import TRUNKS, scaled, trunk_features


def features_of(trunk, shape=(32, 32, 3), width=1 / 16, **kwargs):
    arguments = {"width": width, "batch_norm": True, "dropout": 0.5} | kwargs
    images = keras.Input(shape)
    depth = len(TRUNKS[trunk].channels)
    return images, trunk_features(images, TRUNKS[trunk], depth=depth, **arguments)


def layers_of(trunk, kind, **kwargs):
    images, features = features_of(trunk, **kwargs)
    model = keras.Model(images, features[-1].after_pool)
    return [layer for layer in model.layers if isinstance(layer, kind)]


def silu(x):
    return x / (1 + np.exp(-x))


@pytest.mark.parametrize(
    ("trunk", "convolutions", "levels"),
    [
        ("paper", 15, 13),
        ("vgg_d", 13, 13),
        ("vgg_e", 16, 16),
        ("fast", 9, 9),
        ("faster", 6, 6),
    ],
)
def test_number_of_convolutions_and_levels(trunk, convolutions, levels):
    assert len(layers_of(trunk, keras.layers.Conv2D)) == convolutions
    assert TRUNKS[trunk].levels == levels


def test_the_papers_two_first_pools_have_moved_behind():
    _, features = features_of("paper")
    sizes = [f.before_pool.shape[1] for f in features]
    assert sizes == 7 * [32] + 3 * [16] + 3 * [8] + [4, 2]
    assert [f.after_pool.shape[1] for f in features] == (
        6 * [32] + [16, 16, 16, 8, 8, 8, 4, 2, 1]
    )


@pytest.mark.parametrize(
    ("trunk", "sizes"),
    [
        ("vgg_d", [32, 32, 16, 16, 8, 8, 8, 4, 4, 4, 2, 2, 2]),
        ("vgg_e", [32, 32, 16, 16, 8, 8, 8, 8, 4, 4, 4, 4, 2, 2, 2, 2]),
    ],
)
def test_pools_are_in_place(trunk, sizes):
    _, features = features_of(trunk)
    assert [f.before_pool.shape[1] for f in features] == sizes
    assert features[-1].after_pool.shape[1] == sizes[-1] // 2


def test_the_pools_of_a_quick_trunk_stand_before_batch_norm():
    _, features = features_of("fast")
    sizes = [16, 16, 16, 8, 8, 8, 4, 4, 4]
    assert [f.before_pool.shape[1] for f in features] == sizes
    assert all(f.before_pool is f.after_pool for f in features)
    norms = layers_of("fast", keras.layers.BatchNormalization)
    assert [norm.input.shape[1] for norm in norms] == sizes
    for tap in ("before_pool", "after_pool"):
        passed = [TRUNKS["fast"].pools_before(n, tap) for n in range(1, 10)]
        assert [32 >> pools for pools in passed] == sizes


def test_a_quick_trunk_hands_patches_through_from_the_start():
    images, features = features_of("fast", width=1.0, dropout=0.0, batch_norm=False)
    model = keras.Model(images, features[-1].after_pool)
    pixels = np.random.default_rng(0).normal(size=(2, 32, 32, 3)).astype("float32")
    # Each of 12 values of a patch and their negatives: only pools and SiLUs follow.
    patches = silu(np.asarray(model.get_layer("whitening")(pixels)))
    for number in range(1, 10):
        if number in TRUNKS["fast"].pools:
            half = patches.shape[1] // 2
            patches = patches.reshape(2, half, 2, half, 2, 24).max((2, 4))
        patches = silu(patches)
    np.testing.assert_allclose(model(pixels)[..., :24], patches, atol=1e-5)


@pytest.mark.parametrize(
    ("trunk", "multiplications"),
    [("paper", 3.79e9), ("vgg_d", 0.313e9), ("fast", 0.783e9), ("faster", 0.370e9)],
)
def test_cost_of_an_image(trunk, multiplications):
    """The attention trunk costs twelve times the plain VGG."""
    total = sum(
        np.prod(layer.kernel.shape) * np.prod(layer.output.shape[1:3])
        for layer in layers_of(trunk, keras.layers.Conv2D, width=1.0)
    )
    assert total == pytest.approx(multiplications, rel=0.002)


def test_dropout_stands_where_the_paper_has_it():
    dropouts = layers_of("paper", keras.layers.Dropout)
    rates = {int(layer.name[4:].split("_")[0]): layer.rate for layer in dropouts}
    assert rates == {1: 0.3} | dict.fromkeys((3, 5, 6, 8, 9, 11, 12, 14, 15), 0.4)
    halved = layers_of("paper", keras.layers.Dropout, dropout=0.25)
    assert {layer.rate for layer in halved} == {0.15, 0.2}
    assert not layers_of("paper", keras.layers.Dropout, dropout=0.0)


def test_batch_norm_is_the_papers_or_absent():
    norms = layers_of("paper", keras.layers.BatchNormalization)
    assert len(norms) == 15
    assert {norm.epsilon for norm in norms} == {1e-3}
    assert not layers_of("paper", keras.layers.BatchNormalization, batch_norm=False)


def test_weights_start_as_msr_fan_out():
    conv = layers_of("paper", keras.layers.Conv2D, width=1.0)[4]  # 128 -> 256
    assert np.std(conv.kernel) == pytest.approx(np.sqrt(2 / (9 * 256)), rel=0.01)
    assert conv.use_bias


@pytest.mark.parametrize(
    ("channels", "width", "expected"),
    [
        (64, 1.0, 64),
        (512, 0.25, 128),
        (64, 0.3, 16),  # 19.2
        (256, 0.1, 24),  # 25.6
        (64, 0.125, 8),
        (64, 0.1, 6),
        (64, 0.001, 1),
        (64, 2.0, 128),
    ],
)
def test_width(channels, width, expected):
    assert scaled(channels, width) == expected


@pytest.mark.parametrize("tap", ["before_pool", "after_pool"])
@pytest.mark.parametrize(
    ("trunk", "level"), [("vgg_d", 4), ("vgg_d", 7), ("paper", 8), ("fast", 4)]
)
def test_receptive_fields_are_those_seen_by_changing_pixels(trunk, level, tap):
    images, features = features_of(trunk, (64, 64, 3), batch_norm=False, dropout=False)
    model = keras.Model(images, getattr(features[level - 1], tap))
    random = np.random.default_rng(0)
    # Positive weights: whatever pixel is seen makes the feature larger.
    model.set_weights([random.uniform(0.5, 1, w.shape) for w in model.get_weights()])
    pixels = np.zeros((64, 64, 64, 3), "float32")
    pixels[np.arange(64), 32, np.arange(64)] = 1.0
    found = np.asarray(model(pixels, training=False))
    nothing = np.asarray(model(np.zeros((1, 64, 64, 3)), training=False))
    row, column = (size // 2 for size in found.shape[1:3])
    seen = np.abs(found - nothing)[:, row, column].max(-1) > 0
    assert seen.sum() == TRUNKS[trunk].receptive_field(level, tap)


@pytest.mark.parametrize(
    ("side", "levels"), [(32, (2, 4)), (64, (4, 6)), (96, (4, 7)), (224, (7, 10))]
)
def test_levels_by_what_they_see(side, levels):
    trunk = TRUNKS["vgg_d"]
    assert trunk.levels_within(1 / 3, (side, side)) == levels
    for level in levels:
        assert trunk.receptive_field(level) ** 2 <= side**2 / 3


def test_reflection_keeps_sizes_and_makes_no_edge():
    shapes = []
    for padding in ("zeros", "reflect"):
        images, features = features_of("vgg_d", padding=padding)
        shapes.append([f.before_pool.shape for f in features])
        model = keras.Model(images, features[3].before_pool)
        even = np.asarray(model(np.full((1, 32, 32, 3), 99.0), training=False))
        flat = np.ptp(even, axis=(1, 2)).max() < 1e-3 * np.abs(even).max()
        assert flat == (padding == "reflect")
    assert shapes[0] == shapes[1]
