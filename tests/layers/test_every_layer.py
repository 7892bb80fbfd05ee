"""What every public layer promises, whichever it is."""

import json
from typing import NamedTuple

import keras
import numpy as np
import pytest

from ltpa_tf import layers

POLICIES = ("float32", "mixed_bfloat16", "mixed_float16")


class Case(NamedTuple):
    """A layer's arguments, and the shapes of its call's arguments without the batch."""

    layer: type[keras.layers.Layer]
    arguments: dict
    shapes: dict
    spatial: bool = True
    rewarded: bool = False  # what its weights learn from isn't in its outputs


def _attention(compatibility, normalization, channels=6, **settings):
    return Case(
        layers.AttentionEstimator,
        {"compatibility": compatibility, "normalization": normalization, **settings},
        {"local": (5, 7, 6), "global_feature": (channels,)},
        rewarded=normalization == "sampled",
    )


LOCAL_AND_GLOBAL = {"local": (5, 7, 6), "global_feature": (6,)}
CASES = {
    "pc": Case(layers.ParametrisedCompatibility, {}, LOCAL_AND_GLOBAL),
    "dp": Case(layers.DotProductCompatibility, {}, LOCAL_AND_GLOBAL),
    "local": Case(layers.LocalCompatibility, {}, {"local": (5, 7, 6)}),
    "additive": Case(
        layers.AdditiveCompatibility,
        {"units": 4, "initializer": keras.initializers.HeNormal(seed=3)},
        {"local": (5, 7, 6), "global_feature": (9,)},
    ),
    "softmax": Case(layers.SoftmaxPooling, {}, {"scores": (5, 7), "local": (5, 7, 6)}),
    "sigmoid": Case(layers.SigmoidPooling, {}, {"scores": (5, 7), "local": (5, 7, 6)}),
    "topk": Case(
        layers.TopKPooling, {"positions": 2}, {"scores": (5, 7), "local": (5, 7, 6)}
    ),
    "sampled": Case(
        layers.SampledPooling,
        {"positions": 2},
        {"scores": (5, 7), "local": (5, 7, 6)},
        rewarded=True,
    ),
    "estimator pc softmax": _attention("pc", "softmax"),
    "estimator pc sigmoid": _attention("pc", "sigmoid"),
    "estimator dp softmax": _attention("dp", "softmax"),
    "estimator dp topk": _attention("dp", "topk", positions=1),
    "estimator pc sampled": _attention("pc", "sampled", positions=2),
    "estimator local sigmoid": _attention("local", "sigmoid"),
    "estimator additive softmax": _attention("additive", "softmax", channels=9),
    "estimator keys": Case(
        layers.AttentionEstimator,
        {"initializer": keras.initializers.RandomNormal(stddev=2**0.5)},
        {"local": (5, 7, 6), "global_feature": (9,), "keys": (5, 7, 9)},
    ),
    "estimator without g": Case(layers.AttentionEstimator, {}, {"local": (5, 7, 6)}),
    "gate": Case(layers.Gate, {}, {"local": (5, 7, 6), "attention": (5, 7)}),
    "sensor": Case(
        layers.GlimpseSensor,
        {"glimpse_size": 3, "scales": 2},
        {"images": (5, 7, 3), "locations": (4, 2)},
        spatial=False,
    ),
    "glimpses": Case(
        layers.RecurrentGlimpses,
        {"glimpses": 3, "glimpse_size": 3, "paths": 2, "width": 1 / 16},
        {"images": (5, 7, 3)},
        spatial=False,
        rewarded=True,
    ),
    "paths": Case(
        layers.PathsHead, {"num_classes": 3}, {"features": (6,)}, spatial=False
    ),
    "reflection": Case(  # which has to be larger than its padding
        layers.ReflectionPadding,
        {"padding": 2},
        {"features": (5, 7, 6)},
        spatial=False,
    ),
    "softening": Case(layers.Softening, {"share": 0.1}, {"images": (5, 7, 3)}),
    "preactivation": Case(layers.Preactivation, {}, {"features": (5, 7, 6)}),
    "matching vectors": Case(
        layers.ChannelMatching, {"channels": 4}, {"features": (6,)}, spatial=False
    ),
    "matching maps": Case(
        layers.ChannelMatching,
        {"channels": 4, "projection": "linear"},
        {"features": (5, 7, 6)},
    ),
    "pixels": Case(
        layers.PixelScaling,
        {"scale": (0.1, 0.2, 0.3), "offset": (1, 2, 3), "reverse": True},
        {"images": (5, 7, 3)},
    ),
    "whitening": Case(layers.Whitening, {}, {"images": (5, 7, 3)}),
    "concat": Case(
        layers.ConcatHead,
        {"num_classes": 3},
        {"descriptors": [(6,), (4,)]},
        spatial=False,
    ),
    "indep": Case(
        layers.IndepHead,
        {"num_classes": 3, "projection": "linear", "logit_scale": 0.5},
        {"descriptors": [(6,), (4,)]},
        spatial=False,
    ),
}
SPATIAL = [name for name, case in CASES.items() if case.spatial]


def made(case, **kwargs):
    return case.layer(**case.arguments, **kwargs)


def resized(shapes, size):
    """The same shapes on a grid of another size."""
    if isinstance(shapes, dict):
        return {name: resized(shape, size) for name, shape in shapes.items()}
    if isinstance(shapes, list):
        return [resized(shape, size) for shape in shapes]
    return (*size, *shapes[2:]) if len(shapes) > 1 else shapes


def inputs_of(shapes, batch=3):
    random = np.random.default_rng(1)
    if isinstance(shapes, dict):
        return {name: inputs_of(shape, batch) for name, shape in shapes.items()}
    if isinstance(shapes, list):
        return [inputs_of(shape, batch) for shape in shapes]
    return random.normal(size=(batch, *shapes)).astype("float32")


def model_of(layer, shapes):
    inputs = keras.tree.map_shape_structure(keras.Input, shapes)
    return keras.Model(keras.tree.flatten(inputs), layer(**inputs))


def flat(outputs):
    return [keras.ops.convert_to_numpy(x) for x in keras.tree.flatten(outputs)]


def assert_equal(left, right, tolerance=0.0):
    for one, other in zip(flat(left), flat(right), strict=True):
        np.testing.assert_allclose(one, other, rtol=tolerance, atol=tolerance)


def test_every_public_layer_is_among_the_cases():
    public = [getattr(layers, name) for name in layers.__all__]
    abstract = {layers.Compatibility, layers.AttentionPooling, layers.HardPooling}
    kinds = {item for item in public if isinstance(item, type)}
    concrete = {kind for kind in kinds if issubclass(kind, keras.layers.Layer)}
    assert concrete - abstract == {case.layer for case in CASES.values()}


@pytest.fixture(params=CASES)
def case(request):
    return CASES[request.param]


def test_config_describes_the_layer_completely(case):
    layer = made(case, name="mine", dtype="mixed_bfloat16")
    inputs = inputs_of(case.shapes)
    expected = layer(**inputs)

    text = json.dumps(keras.saving.serialize_keras_object(layer))
    again = keras.saving.deserialize_keras_object(json.loads(text))
    assert again.get_config() == layer.get_config()
    again(**inputs)
    again.set_weights(layer.get_weights())
    assert_equal(again(**inputs), expected)


@pytest.mark.parametrize("dtype", POLICIES)
def test_shapes_and_dtypes_are_as_announced(case, dtype):
    layer, inputs = made(case, dtype=dtype), inputs_of(case.shapes)
    announced = made(case, dtype=dtype)(
        **keras.tree.map_structure(lambda x: keras.KerasTensor(x.shape), inputs)
    )
    real = keras.tree.flatten(layer(**inputs))
    for one, other in zip(keras.tree.flatten(announced), real, strict=True):
        assert tuple(one.shape) == tuple(other.shape)
        assert one.dtype == keras.backend.standardize_dtype(other.dtype)
    shapes = {
        f"{name}_shape": keras.tree.map_structure(lambda x: x.shape, value)
        for name, value in inputs.items()
    }
    assert keras.tree.flatten(layer.compute_output_shape(**shapes)) == [
        size for output in real for size in output.shape
    ]


@pytest.mark.parametrize("dtype", POLICIES)
def test_saved_and_loaded_is_the_same(case, dtype, tmp_path):
    model = model_of(made(case, dtype=dtype), case.shapes)
    inputs = keras.tree.flatten(inputs_of(case.shapes))
    model.save(tmp_path / "model.keras")
    assert_equal(
        keras.models.load_model(tmp_path / "model.keras")(inputs), model(inputs)
    )


@pytest.mark.parametrize("dtype", POLICIES[1:])
def test_low_precision_is_near_to_float32(case, dtype):
    exact, rough = made(case), made(case, dtype=dtype)
    inputs = inputs_of(case.shapes)
    exact(**inputs), rough(**inputs)
    rough.set_weights(exact.get_weights())
    assert_equal(
        keras.tree.map_structure(
            lambda x: keras.ops.cast(x, "float32"), rough(**inputs)
        ),
        exact(**inputs),
        tolerance=0.05 if dtype == "mixed_bfloat16" else 0.01,
    )


@pytest.mark.parametrize("name", SPATIAL)
def test_one_layer_serves_images_of_any_size(name):
    case = CASES[name]
    layer = made(case)
    any_size = model_of(layer, resized(case.shapes, (None, None)))
    for size in ((1, 2), (4, 4), (9, 2)):
        shapes = resized(case.shapes, size)
        inputs = inputs_of(shapes)
        assert_equal(any_size(keras.tree.flatten(inputs)), layer(**inputs))
        assert_equal(
            model_of(layer, shapes)(keras.tree.flatten(inputs)), layer(**inputs)
        )


def test_an_empty_batch_passes(case):
    outputs = made(case)(**inputs_of(case.shapes, batch=0))
    assert all(output.shape[0] == 0 for output in keras.tree.flatten(outputs))


def test_every_weight_learns(case):
    layer = made(case)
    model = model_of(layer, case.shapes)
    if not layer.trainable_weights or case.rewarded:
        return
    first = keras.tree.flatten(model.output)[0]  # of the estimator: what it attended
    model = keras.Model(model.inputs, first)
    before = [weight.numpy() for weight in layer.trainable_weights]
    model.compile(keras.optimizers.SGD(0.1), "mse", jit_compile=False)
    inputs = keras.tree.flatten(inputs_of(case.shapes))
    model.train_on_batch(inputs, np.ones((3, *first.shape[1:])))
    for weight, old in zip(layer.trainable_weights, before, strict=True):
        assert np.abs(weight.numpy() - old).max() > 1e-7, weight.path
