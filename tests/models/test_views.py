"""Maps beside the logits, and the cut of what is dead."""

import keras
import numpy as np
import pytest

from ltpa_tf.errors import SettingError
from ltpa_tf.layers import AttentionEstimator, ConcatHead
from ltpa_tf.models import (
    attention_model,
    build,
    levels_of,
    of_any_size,
    prune,
    resolve,
    smallest_side,
)

SMALL = 1 / 16
DATA = {"mean": (0.5,) * 3, "std": (0.25,) * 3}


@pytest.fixture
def x():
    return np.random.default_rng(0).uniform(0, 255, (4, 32, 32, 3)).astype("float32")


def parameters(model):
    return sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)


def own_model():
    """A user's model: another trunk, other names, two inputs of the estimator."""
    images = keras.Input((16, 16, 3))
    local = keras.layers.Conv2D(8, 3, name="a")(images)
    far = keras.layers.Conv2D(8, 3, strides=4, name="b")(local)
    g = keras.layers.GlobalAveragePooling2D()(far)
    attended, _, _ = AttentionEstimator(name="mine")(local, global_feature=g)
    return keras.Model(images, ConcatHead(3)([attended]))


class TestAttentionModel:
    def test_gives_logits_and_maps(self, x):
        model = build("vgg_att3_concat_dp", width=SMALL, **DATA)
        outputs = attention_model(model)(x)
        assert {name: tuple(value.shape) for name, value in outputs.items()} == {
            "logits": (4, 10),
            "level_7": (4, 32, 32),
            "level_10": (4, 16, 16),
            "level_13": (4, 8, 8),
        }
        np.testing.assert_array_equal(outputs["logits"], model(x))

    def test_the_maps_are_those_that_made_the_prediction(self, x):
        """Attended by hand from these maps, the logits come out again."""
        model = build("vgg_att2_concat_pc", width=SMALL, **DATA)
        outputs = attention_model(model)(x)
        taps = [model.get_layer(f"conv{level}_relu").output for level in (10, 13)]
        features = keras.Model(model.input, taps)(x)
        attended = [
            np.einsum("bhw,bhwc->bc", outputs[f"level_{level}"], local)
            for level, local in zip((10, 13), features, strict=True)
        ]
        np.testing.assert_allclose(
            model.get_layer("logits")(attended), outputs["logits"], rtol=0, atol=1e-5
        )

    def test_shares_its_weights(self, x):
        model = build("vgg_att_dp", width=SMALL)
        view = attention_model(model)
        before = np.asarray(view(x)["logits"])
        model.get_layer("logits").linear[0].bias.assign_add(np.ones(10))
        np.testing.assert_allclose(view(x)["logits"], before + 1, rtol=1e-5)

    def test_of_a_control_has_no_maps(self, x):
        assert list(attention_model(build("vgg", width=SMALL))(x)) == ["logits"]

    def test_of_a_users_own_model_is_named_by_its_layers(self):
        outputs = attention_model(own_model())(np.ones((2, 16, 16, 3)))
        assert outputs["mine"].shape == (2, 14, 14)

    @pytest.mark.parametrize("how", ["logits", "twice", "inside"])
    def test_maps_without_a_name_of_their_own_are_refused(self, how):
        images = keras.Input((8, 8, 4))
        if how == "inside":
            inner = own_model()
            model = keras.Model(inner.input, inner(inner.input))
        else:
            estimator = AttentionEstimator(name="logits" if how == "logits" else "a")
            first = estimator(images)[0]
            second = estimator(-images)[0] if how == "twice" else first
            model = keras.Model(images, ConcatHead(3)([first, second]))
        with pytest.raises(SettingError, match="^model: .*an estimator"):
            attention_model(model)

    def test_saved_and_loaded_is_the_same(self, x, tmp_path):
        view = attention_model(prune(build("vgg_att2_indep_pc", width=SMALL, **DATA)))
        view.save(tmp_path / "view.keras")
        loaded = keras.models.load_model(tmp_path / "view.keras")
        for name, value in loaded(x).items():
            np.testing.assert_array_equal(value, view(x)[name])


class TestPrune:
    def test_cuts_a_quarter_of_the_papers_model(self):
        model = build("vgg_att3_concat_pc", num_classes=100)
        cut = parameters(model) - parameters(prune(model))
        two_convolutions = 2 * (9 * 512 * 512 + 512 + 2 * 512)
        projection = 2 * 512 + 512 * 256 + 256
        assert cut == two_convolutions + (512 * 512 + 512) + projection
        assert cut == 5_116_672  # 5.1 of 19.97 M

    @pytest.mark.parametrize("name", ["vgg_att_pc", "vgg_att2_indep_pc"])
    @pytest.mark.parametrize("match", ["global_to_local", "local_to_global"])
    @pytest.mark.parametrize("dtype", ["float32", "mixed_bfloat16"])
    def test_changes_no_prediction_and_no_map(self, x, name, match, dtype):
        model = build(
            name, levels=(7, 13), match=match, dtype=dtype, width=SMALL, **DATA
        )
        # Far from initial values, where scores are nearly equal.
        for weight in model.trainable_weights:
            if weight.path.endswith("u"):
                weight.assign(10 * weight)
        pruned = prune(model)
        assert parameters(pruned) < parameters(model)
        kept = {layer.name for layer in pruned.layers}
        assert not kept & {"conv14", "conv15", "global_feature"}
        assert ("match_7" in kept) == (match == "local_to_global")
        after = attention_model(pruned)(x)
        for name, value in attention_model(model)(x).items():
            np.testing.assert_allclose(after[name], value, rtol=0, atol=2e-6)

    @pytest.mark.parametrize(
        ("name", "overrides"),
        [
            ("vgg_att2_concat_dp", {}),
            ("vgg_att2_concat_pc", {"normalization": "sigmoid"}),
            ("vgg_att2_indep_additive", {}),
            ("vgg_att2_concat_local", {}),
            ("vgg_none", {}),
        ],
    )
    def test_leaves_whole_what_nothing_can_be_cut_from(self, x, name, overrides):
        model = build(name, width=SMALL, **DATA, **overrides)
        pruned = prune(model)
        assert parameters(pruned) == parameters(model)
        np.testing.assert_array_equal(pruned(x), model(x))

    def test_of_a_users_own_model(self):
        model = own_model()
        pruned = prune(model)
        assert "b" not in {layer.name for layer in pruned.layers}
        ones = np.ones((2, 16, 16, 3))
        np.testing.assert_allclose(pruned(ones), model(ones), rtol=0, atol=1e-6)

    def test_of_a_trained_model_and_back_from_disk(self, x, tmp_path):
        model = build("vgg_att_pc", trunk="faster", levels=(4,), width=SMALL, **DATA)
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile(keras.optimizers.SGD(0.01), loss, jit_compile=False)
        model.fit(x, np.arange(4), epochs=3, verbose=0)
        prune(model).save(tmp_path / "pruned.keras")
        loaded = keras.models.load_model(tmp_path / "pruned.keras")
        np.testing.assert_allclose(loaded(x), model(x), rtol=1e-6, atol=1e-6)

    def test_of_the_model_with_maps_keeps_them(self, x):
        view = attention_model(build("vgg_att3_concat_pc", width=SMALL, **DATA))
        pruned = prune(view)
        assert "conv15" not in {layer.name for layer in pruned.layers}
        assert levels_of(pruned) == (7, 10, 13)
        for name, value in pruned(x).items():
            np.testing.assert_allclose(value, view(x)[name], rtol=0, atol=2e-6)

    def test_of_a_pruned_model_is_the_same(self, x):
        pruned = prune(build("vgg_att_pc", width=SMALL))
        np.testing.assert_array_equal(prune(pruned)(x), pruned(x))


@pytest.mark.parametrize("view", [attention_model, prune])
def test_a_subclassed_model_is_refused(view):
    class Own(keras.Model):
        def call(self, x):
            return x

    with pytest.raises(SettingError, match="expected a functional.*Received: 'Own'"):
        view(Own())


def test_levels_of():
    assert levels_of(build("vgg_att3_concat_pc", width=SMALL)) == (7, 10, 13)
    assert levels_of(build("vgg_none", width=SMALL)) == ()
    assert levels_of(own_model()) == ()


def test_a_model_for_images_of_any_size():
    model, larger = (
        build("vgg_att2_concat_dp", image_shape=(side, side, 3), width=SMALL, **DATA)
        for side in (32, 48)
    )
    larger.set_weights(model.get_weights())
    anything = of_any_size(model)
    assert [v.path for v in anything.variables] == [v.path for v in model.variables]
    for side, expected in ((32, model), (48, larger)):
        images = np.random.default_rng(0).uniform(0, 255, (2, side, side, 3))
        np.testing.assert_allclose(anything(images), expected(images), atol=1e-5)


@pytest.mark.parametrize(
    ("settings", "side"),
    [
        ({}, 32),
        ({"trunk": "fast", "levels": (6, 9)}, 16),
        ({"trunk": "fast", "levels": ()}, 8),
        ({"trunk": "vgg_d", "levels": (13,), "tap": "after_pool"}, 64),
    ],
)
def test_the_smallest_side(settings, side):
    assert smallest_side(resolve("vgg_att2_concat_pc", **settings)) == side
