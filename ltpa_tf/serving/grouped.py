"""Grouped convolutions as operators of the graph that is exported."""

import contextlib
from collections.abc import Callable, Iterator

import keras
import tensorflow as tf


@contextlib.contextmanager
def groups_as_operators(network: keras.Model) -> Iterator[None]:
    """What is traced inside has TensorFlow's own grouped convolutions.

    Keras puts those of its `Conv2D`, as ConvNeXt has them, into functions for XLA.
    On CPUs these take a hundred times as long, and tf2onnx can't convert them.
    """
    layers = [
        layer
        for layer in network._flatten_layers()
        if isinstance(layer, keras.layers.Conv2D) and layer.groups > 1
    ]
    for layer in layers:
        layer.convolution_op = _operator(layer)
    try:
        yield
    finally:
        for layer in layers:
            del layer.convolution_op


def _operator(layer: keras.layers.Conv2D) -> Callable:
    def convolution(inputs, kernel):
        return tf.nn.convolution(
            inputs,
            kernel,
            strides=list(layer.strides),
            padding=layer.padding.upper(),
            dilations=list(layer.dilation_rate),
        )

    return convolution
