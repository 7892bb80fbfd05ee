import importlib

import keras
import numpy as np
import pytest
import scipy.ndimage
import tensorflow as tf

from ltpa_tf import models
from ltpa_tf.errors import SettingError
from ltpa_tf.explain import upsample
from ltpa_tf.explain.methods import NAMES, compute, methods
from ltpa_tf.explain.methods.libraries import library
from ltpa_tf.explain.methods.method import spread
from ltpa_tf.explain.posthoc import class_activation

# Both libraries are older than the SciPy and NumPy that they run on.
of_library = pytest.mark.filterwarnings("ignore")

# 47 and 33 leave some of the image over at every level.
SIZE = (47, 33)
LIBRARY = {
    **dict.fromkeys(
        ("smoothgrad", "integrated_gradients", "guided_backprop", "occlusion", "rise"),
        "xplique",
    ),
    "scorecam": "tf_keras_vis",
}

AT_RANDOM = {"smoothgrad", "rise"}


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(0)
    return models.build(
        "vgg_att2_concat_pc",
        num_classes=5,
        image_shape=(*SIZE, 3),
        trunk="vgg_d",
        levels=(4, 7),
        width=1 / 16,
    )


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).integers(0, 256, (5, *SIZE, 3), np.uint8)


@pytest.fixture(scope="module")
def classes(model, images):
    return np.argmax(model(images), -1)


def maps_of(model, images, name, **settings):
    (method,) = methods(model, [name])
    return compute(model, images, method, batch_size=4, **settings)  # a part is filled


def needed(name):
    """Skips, with a sentence, where a library isn't installed."""
    try:
        return library(LIBRARY.get(name, name), name)
    except SettingError as error:
        pytest.skip(str(error))


def test_attention_is_the_models_own_where_its_cells_look(model, images):
    outputs = models.attention_model(model)(images)
    grids = models.grids(model)
    found = maps_of(model, images, "attention")
    relative = []
    for level in (4, 7):
        own, grid = np.asarray(outputs[f"level_{level}"]), grids[f"level_{level}"]
        expected = upsample(own, SIZE, grid)
        np.testing.assert_allclose(found[f"attention_{level}"], expected, atol=1e-6)
        relative.append(upsample(own / own.mean((1, 2), keepdims=True), SIZE, grid))
    np.testing.assert_allclose(
        found["attention_mean"], sum(relative) / 2, rtol=1e-4, atol=1e-5
    )
    np.testing.assert_allclose(
        found["attention_product"], (relative[0] * relative[1]) ** 0.5, 1e-3, 1e-4
    )
    np.testing.assert_allclose(
        found["attention_smooth"],
        spread(tf.constant(found["attention_mean"]), max(SIZE) / 16),
        1e-4,
        1e-5,
    )


def test_pixels_of_evidence_add_up_to_the_logit(model, images):
    asked = np.array([0, 1, 2, 3, 4])
    found = maps_of(model, images, "evidence", classes=asked)
    apart = models.evidence_model(model)([images, asked])
    sums = found["evidence"].sum((1, 2)) + np.asarray(apart["evidence_bias"])[:, 0]
    expected = np.asarray(model(images))[np.arange(5), asked]
    np.testing.assert_allclose(sums, expected, atol=1e-4)
    np.testing.assert_allclose(
        found["evidence"], found["evidence_4"] + found["evidence_7"], atol=1e-6
    )
    smooth = found["evidence_smooth"].sum((1, 2))
    np.testing.assert_allclose(smooth, found["evidence"].sum((1, 2)), atol=1e-4)


def test_smooth_evidence_is_spread_by_a_gaussian():
    maps = np.zeros((2, 20, 30), np.float32)
    maps[0, 9, 14], maps[1, 0, 29] = 2, 1
    found = spread(tf.constant(maps), 2.0).numpy()
    expected = scipy.ndimage.gaussian_filter(maps[0].astype(float), 2, truncate=20)
    np.testing.assert_allclose(found[0], expected, atol=1e-4)
    # A corner keeps what would lie outside.
    assert found[1].sum() == pytest.approx(1, abs=1e-6)
    assert found[1].argmax() == 29


def test_the_predicted_class_is_the_default(model, images, classes):
    np.testing.assert_array_equal(
        maps_of(model, images, "evidence")["evidence"],
        maps_of(model, images, "evidence", classes=classes)["evidence"],
    )


def test_the_grad_cam_family_by_hand():
    # One map of features, (1, 2), with two channels: of the logit 3 a_1 + 1 a_2 (one
    # per channel's mean) the gradients are 1.5 and 0.5 at each of the two positions.
    image = keras.Input((1, 2, 2))
    features = keras.layers.Identity(name="features")(image)
    pooled = keras.layers.GlobalAveragePooling2D()(features)
    linear = keras.layers.Dense(2)
    model = keras.Model(image, linear(pooled))
    linear.set_weights([np.array([[3, -1], [1, -2]]), np.zeros(2)])
    image = np.array([[[[1, 4], [2, -4]]]], np.float32)

    def cells(name, of):
        return maps_of(model, image, name, classes=[of])[name][0, 0]

    np.testing.assert_allclose(cells("gradcam", 0), [3.5, 1])
    np.testing.assert_allclose(cells("hirescam", 0), [3.5, 1])
    np.testing.assert_allclose(cells("layercam", 0), [3.5, 1])
    # Class 1: gradients -0.5 and -1, at (1, 4) and (2, -4): -4.5 and 3.
    np.testing.assert_allclose(cells("hirescam", 1), [-4.5, 3])
    np.testing.assert_allclose(cells("gradcam", 1), [0, 3])
    np.testing.assert_allclose(cells("layercam", 1), [0, 0])
    np.testing.assert_allclose(cells("gradcam_pp", 1), [0, 0])
    # alpha_1 = 1.5^2 / (2 * 1.5^2 + 3 * 1.5^3) = 1 / 6.5, alpha_2 = 1 / 2: weights
    # 3 / 6.5 and 0.5.
    expected = np.maximum(3 / 6.5 * np.array([1, 2]) + 0.5 * np.array([4, -4]), 0)
    np.testing.assert_allclose(cells("gradcam_pp", 0), expected, rtol=1e-5)
    np.testing.assert_allclose(cells("saliency", 0), [1.5, 1.5])


@of_library
@pytest.mark.parametrize(
    ("name", "kind"), [("gradcam", "Gradcam"), ("layercam", "Layercam")]
)
def test_agrees_with_tf_keras_vis(model, images, classes, name, kind):
    # Not Grad-CAM++: theirs divides by the sum of the alphas, which isn't in the paper,
    # and its exp(logit) overflows.
    needed("tf_keras_vis")
    explainer = getattr(importlib.import_module(f"tf_keras_vis.{name}"), kind)(model)
    expected = explainer(
        lambda outputs: tf.gather(outputs, classes, axis=1, batch_dims=1),
        tf.cast(images, tf.float32),
        penultimate_layer="conv7_relu",
        seek_penultimate_conv_layer=False,
        expand_cam=False,
        normalize_cam=False,
    )
    grid = models.grids(model)["conv7_relu"]
    (found,) = maps_of(model, images, f"{name}@conv7_relu").values()
    expected = upsample(np.asarray(expected), SIZE, grid)
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-5)


@of_library
def test_saliency_agrees_with_xplique(model, images, classes):
    saliency = needed("xplique").attributions.Saliency(model, reducer=None)
    gradient = saliency(images.astype(np.float32), np.eye(5, dtype=np.float32)[classes])
    expected = np.abs(np.asarray(gradient)).max(-1)
    found = maps_of(model, images, "saliency")["saliency"]
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-5)


@of_library
@pytest.mark.parametrize("name", LIBRARY)
def test_a_librarys_maps_have_the_images_size(model, images, name, capsys):
    needed(name)
    (maps,) = maps_of(model, images[:2], name).values()
    assert maps.shape == (2, *SIZE)
    assert np.isfinite(maps).all()
    assert maps.std() > 0
    assert capsys.readouterr().out == ""  # where evaluate draws its own bar


@of_library
@pytest.mark.parametrize("name", sorted(set(LIBRARY) - AT_RANDOM))
def test_a_librarys_maps_are_those_of_what_is_measured_too(model, images, name):
    """`measure_maps` takes such a model, whose layers are the other's."""
    needed(name)
    pruned = models.prune(models.as_float32(model))
    (found,) = maps_of(pruned, images[:2], name).values()
    (expected,) = maps_of(model, images[:2], name).values()
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-5)


@of_library
def test_rise_points_to_the_only_pixel_that_matters():
    needed("rise")
    keras.utils.set_random_seed(0)
    image = keras.Input((32, 32, 1))
    found = []
    for row, column in [(9, 20), (13, 7), (22, 25)]:
        pixel = image[:, row, column]
        model = keras.Model(image, keras.ops.concatenate([pixel, -pixel], -1))
        light = np.full((1, 32, 32, 1), 255, np.uint8)
        rise = maps_of(model, light, "rise", classes=[0])["rise"][0]
        peak = np.unravel_index(rise.argmax(), rise.shape)
        found.append(np.hypot(*np.subtract(peak, (row, column))))
    assert np.mean(found) < 0.5  # cells of RISE's grid are 4.6 pixels wide


@pytest.mark.parametrize("row", ["vgg", "vgg_gap"])
def test_post_hoc_methods_need_no_attention(images, row):
    model = models.build(row, num_classes=5, image_shape=(*SIZE, 3), width=1 / 16)
    for name in ("gradcam", "saliency"):
        assert maps_of(model, images, name)[name].shape == (5, *SIZE)
    with pytest.raises(SettingError, match="estimators"):
        methods(model, ["evidence"])
    with pytest.raises(SettingError, match="attention"):
        methods(model, ["attention"])


def test_hirescam_of_a_global_mean_is_cam(images):
    model = models.build("vgg_gap", num_classes=5, image_shape=(*SIZE, 3), width=1 / 16)
    kernel = model.get_layer("logits").linear[0].kernel
    kernel.assign(np.abs(kernel))  # CAM leaves out what speaks against the class
    cam = class_activation(model, images)["CAM"]
    grid = models.grids(model)["global_feature"]
    found = maps_of(model, images, "hirescam")["hirescam"]
    np.testing.assert_allclose(found, upsample(cam / cam[0].size, SIZE, grid), 1e-3)


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ([], "gradcam"),
        (["gradcan"], "gradcam"),
        (["saliency@conv1"], "saliency"),
        (["gradcam@conv99"], "conv1"),
    ],
)
def test_mistakes_are_sentences(model, names, said):
    with pytest.raises(SettingError, match=f"--maps.*{said}"):
        methods(model, names)


def test_every_method_is_named():
    assert {"attention", "evidence", "hirescam", *LIBRARY} <= set(NAMES)


@pytest.mark.parametrize("normalization", ["sampled", "topk"])
def test_maps_of_hard_attention(images, normalization):
    """Attention and evidence lie on the chosen positions alone; the rest has maps."""
    hard = models.build(
        "vgg_att_pc",
        image_shape=(*SIZE, 3),
        trunk="vgg_d",
        levels=(4,),
        width=1 / 16,
        normalization=normalization,
        positions=2,
    )
    attention = models.attention_model(hard)(images)["level_4"].numpy()
    assert set(np.unique(attention)) == {0, 0.5}
    taken_apart = models.evidence_model(hard, of_predicted=True)(images)
    evidence = taken_apart["evidence_4"].numpy()
    assert not evidence[attention == 0].any()
    np.testing.assert_allclose(
        evidence.sum((1, 2)) + taken_apart["evidence_bias"][:, 0],
        taken_apart["logits"].numpy().max(-1),
        atol=1e-5,
    )
    for name in ("attention", "evidence", "gradcam", "saliency"):
        for one in maps_of(hard, images, name).values():
            assert one.shape == (5, *SIZE) and np.isfinite(one).all()
