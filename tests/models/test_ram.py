"""The recurrent attention model as a whole."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from ltpa_tf import data, models
from ltpa_tf.errors import SettingError
from ltpa_tf.evaluation import evaluate, glimpses
from ltpa_tf.evaluation.multiplications import multiplications
from ltpa_tf.explain.paths import draw_paths
from ltpa_tf.serving.signatures import Signatures

SMALL = {
    "image_shape": (32, 40, 3),
    "num_classes": 4,
    "glimpses": 3,
    "glimpse_size": 6,
    "scales": 2,
    "width": 1 / 16,
}


@pytest.fixture
def images():
    return np.random.default_rng(0).integers(0, 256, (5, 32, 40, 3), np.uint8)


def build(row="ram", **settings):
    keras.utils.set_random_seed(0)
    pixels = {"mean": (0.5,) * 3, "std": (0.25,) * 3}
    model = models.build(row, **{**SMALL, **pixels, **settings})
    layer = models.glimpses_of(model)
    if layer.chooses:
        kernel = np.random.default_rng(0).normal(size=layer.next.kernel.shape)
        layer.next.kernel.assign(kernel)
    return model


@pytest.mark.parametrize("paths", [1, 3])
def test_locations_beside_the_logits(images, paths):
    model = build(paths=paths)
    outputs = models.glimpse_model(model)(images)
    np.testing.assert_array_equal(outputs["logits"], model(images))
    assert outputs["locations"].shape == (5, paths, 3, 2)
    assert np.abs(outputs["locations"]).max() <= 1


def test_saved_and_loaded_is_the_same(images, tmp_path):
    model = build(paths=2)
    model.save(tmp_path / "m.keras")
    again = keras.models.load_model(tmp_path / "m.keras")
    np.testing.assert_array_equal(again(images), model(images))
    assert again.get_config() == model.get_config()


def test_it_is_exported_without_maps(images):
    model = build()
    signatures = Signatures(model, ("a", "b", "c", "d"))
    found = signatures.serving_default(tf.constant(images))["probabilities"]
    expected = tf.nn.softmax(model(images.astype("float32")))
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert "attention_maps" not in signatures.functions()


@pytest.mark.parametrize("jit", [False, True])
def test_a_training_model_follows_several_paths(images, jit):
    model = models.training_model(build(), samples=4)
    call = tf.function(lambda x: model(x, training=True), jit_compile=jit)
    outputs = call(tf.constant(images, tf.float32))
    assert outputs["logits"].shape == (20, 4)
    (choice,) = outputs["choices"]
    assert choice["log_probability"].shape == choice["baseline"].shape == (5, 4, 2)


def test_which_glimpses_are_on_the_object_by_hand():
    places = np.array([[[[0, 0], [-0.5, 0.5], [-1, -1]]]])  # (16, 20), (8, 30), (0, 0)
    for box, expected in (
        ((0, 0, 16, 40), [False, True, True]),
        ((8, 20, 17, 30), [True, False, False]),
    ):
        hits = glimpses.on_object(places, np.array([box]), (32, 40))
        assert hits.tolist() == [[expected]]


def test_evaluation_counts_glimpses_on_the_object(images):
    box = np.array([[16, 20, 17, 21]] * 5, np.int32)  # the centre's pixel
    split = data.array_split(images, np.arange(5) % 4, box)
    names = ("a", "b", "c", "d")
    found = evaluate(build("ram_centre"), split, names, batch_size=2)["glimpses"]
    assert found == {"on_object": 1.0, "by_glimpse": [1.0] * 3, "centre": 1.0}
    found = evaluate(build(), split, names, batch_size=2)["glimpses"]
    assert found["by_glimpse"][0] == 1.0 and found["on_object"] < 1


def test_multiplications_by_hand():
    # 5 of 8x8 with 3x3x3 each, then 40 x 64 x 5 by a dense layer of 2 outputs.
    x = keras.Input((8, 8, 3))
    y = keras.layers.Conv2D(5, 3, padding="same")(x)
    model = keras.Model(x, keras.layers.Dense(2)(keras.layers.Flatten()(y)))
    assert multiplications(model) == 64 * 27 * 5 + 320 * 2
    # Without the branch of the global feature, which changes nothing.
    vgg = models.build("vgg_att_pc", levels=(7,), width=1 / 16)
    assert multiplications(vgg) == multiplications(models.prune(vgg))


def test_multiplications_grow_with_glimpses():
    one, two, three = (multiplications(build(glimpses=n)) for n in (2, 3, 4))
    assert three - two == two - one > 0


def test_pictures_of_paths(images, tmp_path):
    file = tmp_path / "paths.png"
    assert draw_paths(build(), images, "abcd", file, labels=[0, 1, 2, 3, 0]) == file
    assert file.stat().st_size > 10_000


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"glimpse_size": 33}, "glimpse_size: .*32x40.*Received: 33"),
        (
            {"levels": (7,)},
            "levels: expected none, for ram, which takes glimpses.*Received: ",
        ),
        ({"policy": "left"}, "policy: .*Received: 'left'"),
    ],
)
def test_mistakes_are_sentences(settings, message):
    with pytest.raises(SettingError, match=message):
        build(**settings)


def test_fit_trains_what_has_a_gradient(images):
    labels = np.eye(4)[np.arange(5) % 4]
    with pytest.raises(SettingError, match="policy: .*Received: 'learned'"):
        build().fit(images, labels)
    model = build("ram_random")
    loss = keras.losses.CategoricalCrossentropy(from_logits=True)
    model.compile("sgd", loss, jit_compile=False)
    assert np.isfinite(model.fit(images, labels, verbose=0).history["loss"]).all()


def test_another_model_takes_no_glimpses():
    vgg = models.build("vgg_att_pc", width=1 / 64)
    assert models.glimpses_of(vgg) is None
    with pytest.raises(SettingError, match="a model that takes glimpses"):
        models.glimpse_model(vgg)
