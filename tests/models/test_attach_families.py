"""Attention on every family of `keras.applications`, and where its levels look."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

import ltpa_tf
from ltpa_tf import models
from ltpa_tf.layers import AttentionEstimator
from ltpa_tf.models.backbones.preprocessing import preprocessing_of

_HELPER = Path(__file__).with_name("backbone_families.py")
_spec = importlib.util.spec_from_file_location("backbone_families", _HELPER)
families = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(families)
backbone, published_pixels = families.backbone, families.published_pixels

tf = pytest.importorskip("tensorflow")

SIZE = 96
PAGE = Path(__file__).parents[2] / "docs" / "backbones.md"
TITLES = {
    **{family: (builder,) for family, (_, builder, _) in families.FAMILIES.items()},
    "mobilenet_v3": ("MobileNetV3",),
    "efficientnet": ("EfficientNet, V2",),
    "efficientnet_v2": ("EfficientNet, V2",),
    "convnext": ("ConvNeXt",),
}
QUICK = ("mobilenet", "mobilenet_v3")
EVERY = [
    family if family in QUICK else pytest.param(family, marks=pytest.mark.slow)
    for family in families.FAMILIES
]

# Loads what another process saved, with nothing of ours but the import.
FRESH = """
import sys
from pathlib import Path

import keras
import numpy as np

import ltpa_tf

for file in map(Path, sys.argv[1:]):
    model = keras.models.load_model(file)
    maps = ltpa_tf.models.attention_model(model)
    evidence = ltpa_tf.models.evidence_model(model, of_predicted=True)
    x = np.load(file.with_suffix(".npy"))
    np.save(file.with_suffix(".fresh.npy"), np.asarray(maps(x)["logits"]))
    assert len(evidence(x)) == len(maps(x)) + 1
"""


@pytest.fixture(scope="module")
def attached():
    """Family -> model, each made once."""
    made = {}

    def get(family):
        if family not in made:
            keras.utils.set_random_seed(1)
            made[family] = models.attach(backbone(family, (SIZE, SIZE)), 5)
        return made[family]

    return get


def images(count=2, seed=0):
    shape = (count, SIZE, SIZE, 3)
    return np.random.default_rng(seed).integers(0, 256, shape).astype("float32")


def estimators(model):
    return [layer for layer in model.layers if isinstance(layer, AttentionEstimator)]


@pytest.mark.parametrize("family", EVERY)
def test_gradients_reach_u_and_the_first_convolution(family, attached):
    model = attached(family)
    found = estimators(model)
    assert len(found) == 3
    first = next(x for x in model.layers if isinstance(x, keras.layers.Conv2D))
    wanted = [first.kernel, *(x.scoring.u for x in found)]
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(model(images(), training=True) ** 2)
    for gradient in tape.gradient(loss, [w.value for w in wanted]):
        assert np.isfinite(gradient).all()
        assert np.abs(gradient).max() > 0


@pytest.mark.parametrize("family", EVERY)
def test_the_page_names_the_levels(family, attached):
    row = next(
        line.split("|")[1:-1]
        for line in PAGE.read_text(encoding="utf-8").splitlines()
        if line.startswith("| ") and line.split("|")[1].strip() in TITLES[family]
    )
    taken = {
        level.name: keras.tree.flatten(level.input)[0]._keras_history.operation.name
        for level in estimators(attached(family))
    }
    for stride, cell in zip((8, 16, 32), row[2:], strict=True):
        name = cell.strip().strip("`")
        if cell.strip().startswith("`"):
            assert taken[f"level_{stride}"].endswith(name.removeprefix("..."))
        else:
            assert ("1x1" in name) == (f"level_{stride}" not in taken)


@pytest.mark.parametrize("family", EVERY)
def test_pixels_are_those_of_the_published_function(family, attached):
    pixels = images(1)
    found = np.asarray(attached(family).get_layer("pixels")(pixels))
    np.testing.assert_allclose(found, published_pixels(family, pixels), atol=1e-5)


@pytest.mark.parametrize(
    ("family", "kind"),
    [
        ("mobilenet_v3", "tf"),
        pytest.param("efficientnet_v2", "tf", marks=pytest.mark.slow),
        pytest.param("convnext", "torch", marks=pytest.mark.slow),
    ],
)
def test_families_that_scale_by_themselves_unless_told_not_to(family, kind):
    bare = backbone(family, include_preprocessing=False)
    assert preprocessing_of(bare.layers) == kind
    assert preprocessing_of(backbone(family).layers) == "none"


@pytest.mark.slow
def test_maps_add_up_and_a_fresh_process_predicts_the_same(attached, tmp_path):
    check_fresh(QUICK, attached, tmp_path)


@pytest.mark.slow
def test_every_family_is_the_same_in_a_fresh_process(attached, tmp_path):
    check_fresh(set(families.FAMILIES) - set(QUICK), attached, tmp_path)


def check_fresh(names, attached, folder):
    expected, files = {}, []
    x = images()
    for name in sorted(names):
        maps = models.attention_model(attached(name))(x)
        expected[name] = np.asarray(maps.pop("logits"))
        for values in maps.values():
            np.testing.assert_allclose(np.sum(values, (1, 2)), 1, atol=1e-4)
        files.append(folder / f"{name}.keras")
        attached(name).save(files[-1])
        np.save(folder / f"{name}.npy", x)
    done = subprocess.run(
        [sys.executable, "-c", FRESH, *map(str, files)],
        cwd=Path(ltpa_tf.__file__).parents[1],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    for name, logits in expected.items():
        found = np.load(folder / f"{name}.fresh.npy")
        np.testing.assert_allclose(found, logits, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    "family",
    [
        f if f == "mobilenet" else pytest.param(f, marks=pytest.mark.slow)
        for f in families.FAMILIES
    ],
)
def test_exports_and_converts(family, attached, tmp_path):
    from ltpa_tf.serving import onnx_file
    from ltpa_tf.serving.signatures import Signatures

    pytest.importorskip("onnxruntime")
    pytest.importorskip("tf2onnx")
    model = attached(family)
    signatures = Signatures(model, ["a", "b", "c", "d", "e"])
    levels = {layer.name for layer in estimators(model)}
    assert levels <= set(signatures.network.output)
    pixels = images().astype("uint8")
    ask, difference = onnx_file.to_onnx(signatures, tmp_path / "m.onnx", pixels)
    assert difference < 1e-4
    expected = keras.ops.softmax(model(pixels.astype("float32")))
    np.testing.assert_allclose(ask(pixels)["probabilities"], expected, atol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("family", ["mobilenet_v3", "efficientnet_v2"])
def test_a_litert_file_has_the_same_maps(family, tmp_path):
    from ltpa_tf.serving import litert_file
    from ltpa_tf.serving.signatures import Signatures

    pytest.importorskip("ai_edge_litert.interpreter")
    model = models.attach(backbone(family, (SIZE, SIZE)), 5)
    for layer in model._flatten_layers():
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = 0.0
    model(images(8), training=True)  # statistics, without which features are all alike
    signatures = Signatures(model, ["a", "b", "c", "d", "e"])
    pixels = images().astype("uint8")
    expected = signatures.attention_maps(pixels)
    ask, difference = litert_file.to_litert(signatures, tmp_path / "m.tflite", pixels)
    assert difference < 1e-4
    found = ask(pixels)
    for level in (layer.name for layer in estimators(model)):
        maps = np.asarray(expected[level])
        assert maps.max() > 1.5 / maps[0].size
        np.testing.assert_allclose(found[level], maps, atol=1e-4)
        np.testing.assert_allclose(found[level].sum((1, 2)), 1, atol=1e-4)
    np.testing.assert_allclose(
        found["probabilities"], expected["probabilities"], atol=1e-4
    )


@pytest.mark.parametrize("family", EVERY)
@pytest.mark.parametrize("height", [pytest.param(416, marks=pytest.mark.slow), 417])
def test_levels_look_where_the_linear_network_does(family, height):
    # Rows alone: a narrow image costs little, and its columns cut all rows alike.
    size = (height, 80)
    model = models.attach(backbone(family, size), 5)
    levels = estimators(model)
    locals_ = [keras.tree.flatten(layer.input)[0] for layer in levels]
    linear = keras.models.clone_model(
        keras.Model(model.input, locals_),
        clone_function=linear_layer,
        call_function=ungated,
    )
    for layer in linear.layers:
        make_mean(layer)
    grids = models.grids(model)
    image = tf.ones((1, *size, 3))
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(image)
        cells = [features.shape[1] // 2 for features in locals_]
        targets = [
            tf.reduce_sum(features[0, cell])
            for features, cell in zip(linear(image), cells, strict=True)
        ]
    for level, cell, target in zip(levels, cells, targets, strict=True):
        seen = np.asarray(tape.gradient(target, image))[0].sum((1, 2))
        centre = (np.arange(height) * seen).sum() / seen.sum()
        grid = grids[level.name]
        # Of the many hundred pixels that a deep cell sees not all are in the image, and
        # branches that look at different places are not quite equally strong.
        assert centre == pytest.approx(grid.offset[0] + cell * grid.stride[0], abs=0.75)


def make_mean(layer):
    """Sets weights so that each output is the mean of what it sees."""
    for weight in layer.trainable_weights:
        depthwise = "depthwise" in type(layer).__name__.lower() + weight.name
        axes = 2 if depthwise else len(weight.shape) - 1
        kernel = len(weight.shape) > 1
        value = 1 / np.prod(weight.shape[:axes]) if kernel else 0
        if weight.name.endswith("gamma"):
            value = 1
        weight.assign(tf.fill(weight.shape, tf.cast(value, tf.float32)))


def linear_layer(layer):
    pool = isinstance(layer, keras.layers.MaxPooling2D)
    if pool:
        return keras.layers.AveragePooling2D.from_config(layer.get_config())
    flat = (
        keras.layers.Activation
        | keras.layers.ReLU
        | keras.layers.LayerNormalization
        | keras.layers.Normalization
    )
    if isinstance(layer, flat):
        return keras.layers.Identity(name=layer.name)
    again = type(layer).from_config(layer.get_config())
    if hasattr(again, "activation"):
        again.activation = keras.activations.linear
    return again


def ungated(layer, *args, **kwargs):
    if isinstance(layer, keras.layers.Multiply):
        return args[0][0]
    return layer(*args, **kwargs)
