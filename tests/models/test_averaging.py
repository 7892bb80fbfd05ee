"""Gradients that are averaged where several meet, as the authors' code has it."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from ltpa_tf import models
from ltpa_tf.layers import AttentionEstimator, ConcatHead
from ltpa_tf.training.network import Network

LEVELS = (7, 10, 13)


@pytest.fixture
def x():
    return np.random.default_rng(0).uniform(0, 255, (4, 32, 32, 3)).astype("float32")


def backward(part, inputs, gradients):
    """Gradients of one part, and of its inputs, by the gradients of its outputs."""
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        variables = [v.value for v in part.trainable_variables]
        tape.watch([*inputs, *variables])
        outputs = part(inputs if len(inputs) > 1 else inputs[0], training=True)
    found = tape.gradient(
        outputs, [*inputs, *variables], gradients, unconnected_gradients="zero"
    )
    paths = [v.path for v in part.trainable_variables]
    return found[: len(inputs)], dict(zip(paths, found[len(inputs) :], strict=True))


def by_hand(model, x, average=True):
    """The authors' backward pass, part by part; with `average` off, the chain rule's.

    The loss is the sum of the squared logits.
    """
    share, third = (2, 3) if average else (1, 1)
    local = [model.get_layer(f"conv{level}_relu").output for level in LEVELS]
    g = model.get_layer("global_feature").output
    begins = [model.input, *local[:-1]]
    mlocal = [keras.Model(a, b) for a, b in zip(begins, local, strict=True)]
    mglobal = keras.Model(local[-1], g)
    attended = [model.get_layer(f"level_{level}").output[0] for level in LEVELS]
    matten = [keras.Model([a, g], b) for a, b in zip(local, attended, strict=True)]
    mmatch = keras.Model(attended, model.output)

    lfeat, inputs = [], x
    for part in mlocal:
        inputs = part(inputs, training=True)
        lfeat.append(inputs)
    gfeat = mglobal(lfeat[-1], training=True)
    context = [
        part([a, gfeat], training=True) for part, a in zip(matten, lfeat, strict=True)
    ]
    prediction = mmatch(context, training=True)

    df_context, found = backward(mmatch, context, 2 * prediction)
    df_local, df_global = [], []
    for part, a, df in zip(matten, lfeat, df_context, strict=True):
        (by_local, by_global), more = backward(part, [a, gfeat], df)
        df_local.append(by_local)
        df_global.append(by_global)
        found |= more
    (chain,), more = backward(mglobal, [lfeat[-1]], sum(df_global) / third)
    found |= more
    for part, a, df in zip(
        mlocal[::-1], [tf.constant(x), *lfeat[:-1]][::-1], df_local[::-1], strict=True
    ):
        (chain,), more = backward(part, [a], (chain + df) / share)
        found |= more
    return found


def of_network(model, x, **settings):
    """The gradients that training takes, by the path of each weight."""
    trainable = [tf.constant(v.numpy()) for v in model.trainable_variables]
    others = [tf.constant(v.numpy()) for v in model.non_trainable_variables]
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(trainable)
        outputs, _ = Network(model, **settings)(trainable, others, tf.constant(x))
        loss = tf.reduce_sum(tf.square(outputs["logits"]))
    found = tape.gradient(loss, trainable, unconnected_gradients="zero")
    return {
        v.path: gradient
        for v, gradient in zip(model.trainable_variables, found, strict=True)
    }


def assert_close(found, expected):
    assert found.keys() == expected.keys()
    for path, gradient in found.items():
        # Of a bias that batch norm takes away again it is rounding noise around 0.
        limit = 1e-3 * float(tf.norm(expected[path])) + 1e-3
        assert float(tf.norm(gradient - expected[path])) < limit, path


@pytest.mark.parametrize(
    "settings",
    [
        {"compatibility": "dp"},
        {"compatibility": "pc", "normalization": "sigmoid"},
        {"compatibility": "dp", "match": "local_to_global"},
        {"compatibility": "dp", "match": "projected_local"},
        {
            "compatibility": "pc"
        },  # g has no gradient, and levels are halved all the same
    ],
    ids=["dp", "sigmoid", "up", "projected", "pc"],
)
def test_gradients_are_those_of_the_authors_backward_pass(settings, x):
    model = models.build(width=1 / 16, dropout=0.0, **settings)
    averaged = of_network(model, x, gradient_averaging=True)
    assert_close(averaged, by_hand(model, x))
    assert_close(of_network(model, x), by_hand(model, x, average=False))
    first = "conv2/kernel"
    assert not np.allclose(averaged[first], of_network(model, x)[first], rtol=0.1)


def test_one_level_halves_and_divides_by_one():
    """A network small enough to be followed by hand: w -> l -> g, scores <l, g>."""
    images = keras.Input((1, 2, 1))
    local = keras.layers.Conv2D(1, 1, use_bias=False, name="l")(images)
    g = keras.layers.GlobalAveragePooling2D(name="g")(local)
    attended, _, _ = AttentionEstimator("dp", "sigmoid", name="a")(local, g)
    head = ConcatHead(2, projection="linear", dropout=0.0)
    model = keras.Model(images, head([attended]))
    model.get_layer("l").set_weights([np.ones((1, 1, 1, 1))])
    x = np.array([[[[1.0], [3.0]]]], "float32")
    full = of_network(model, x)["l/kernel"]
    half = of_network(model, x, gradient_averaging=True)["l/kernel"]
    np.testing.assert_allclose(half, full / 2, rtol=1e-5)


def test_it_is_the_same_function_over_the_same_weights(x):
    model = models.build(width=1 / 16, compatibility="dp")
    averaged = models.averaged_gradients(model)
    np.testing.assert_array_equal(averaged(x), model(x))
    assert {id(v) for v in averaged.weights} == {id(v) for v in model.weights}


def test_features_can_be_computed_again(x):
    """Of gradient checkpointing and averaging neither undoes the other."""
    model = models.build(width=1 / 16, compatibility="dp")
    found = of_network(model, x, gradient_averaging=True, gradient_checkpointing=4)
    assert_close(found, of_network(model, x, gradient_averaging=True))


def test_where_nothing_meets_nothing_changes(x):
    model = models.build("vgg", width=1 / 16, dropout=0.0)
    found = of_network(model, x, gradient_averaging=True)
    for path, gradient in of_network(model, x).items():
        np.testing.assert_array_equal(found[path], gradient)
