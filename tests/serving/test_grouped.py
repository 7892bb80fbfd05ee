"""Grouped convolutions, as of ConvNeXt, are operators in exports, not XLA functions."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from ltpa_tf import models, serving
from ltpa_tf.serving import onnx_file
from ltpa_tf.serving.signatures import Signatures


@pytest.fixture(scope="module")
def model():
    """One convolution a channel, one of groups with strides, one with holes."""
    conv = keras.layers.Conv2D
    image = keras.Input((32, 32, 3))
    x = conv(8, 3, strides=2, padding="same", activation="relu")(image)
    x = conv(16, 3, groups=8, padding="same")(x)
    x = conv(8, 3, groups=4, strides=2, activation="gelu")(x)
    x = conv(8, 3, groups=2, dilation_rate=2, padding="same", name="holes")(x)
    return models.attach(keras.Model(image, x), 3)


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3), dtype=np.uint8)


def test_an_export_has_operators_and_the_same_answers(model, images, tmp_path):
    version = serving.export(model, tmp_path / "m", class_names=list("abc"))
    loaded = tf.saved_model.load(str(version)).signatures["attention_maps"]
    graph = loaded.graph.as_graph_def()
    compiled = [f for f in graph.library.function if f.attr["_XlaMustCompile"].b]
    assert not compiled
    nodes = [node for f in graph.library.function for node in f.node_def]
    assert sum(node.op == "Conv2D" for node in [*graph.node, *nodes]) >= 4
    found = loaded(images=tf.constant(images))
    outputs = models.attention_model(model)(images.astype("float32"))
    probabilities = keras.ops.softmax(outputs.pop("logits"))
    np.testing.assert_allclose(found["probabilities"], probabilities, atol=1e-5)
    for level, maps in outputs.items():
        np.testing.assert_allclose(found[level], maps, atol=1e-5)
    # The model itself stays as Keras has it.
    assert "convolution_op" not in vars(model.get_layer("holes"))


def test_they_convert_to_onnx(model, images, tmp_path):
    pytest.importorskip("onnxruntime")
    pytest.importorskip("tf2onnx")
    signatures = Signatures(model, list("abc"))
    _, difference = onnx_file.to_onnx(signatures, tmp_path / "m.onnx", images)
    assert difference < 1e-5
