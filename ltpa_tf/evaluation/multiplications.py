"""How many multiplications a model takes for an image."""

import math

import keras
import tensorflow as tf

from ltpa_tf import models


def multiplications(model: keras.Model, size: tuple[int, int] | None = None) -> int:
    """Multiplications (with their additions) of convolutions and matrix products.

    Counted in the graph of one image's prediction, without what can't change it
    (`models.prune`). What works element by element is left out.

    Args:
        model: A functional model of one image.
        size: `(H, W)`; None: the model's own.
    """
    shape = (1, *(size or model.input_shape[1:3]), model.input_shape[-1])
    live = models.prune(model)
    graph = tf.function(lambda x: live(x, training=False), autograph=False)
    graph = graph.get_concrete_function(tf.TensorSpec(shape, tf.float32)).graph
    return sum(_of(operation) for operation in graph.get_operations())


def _of(operation: tf.Operation) -> int:
    """Outputs, times what each is the sum of."""
    if operation.type == "Conv2D":
        terms = math.prod(operation.inputs[1].shape[:3])
    elif operation.type in ("MatMul", "BatchMatMulV2"):
        across = "transpose_a" if operation.type == "MatMul" else "adj_x"
        terms = operation.inputs[0].shape[-2 if operation.get_attr(across) else -1]
    else:
        return 0
    return math.prod(operation.outputs[0].shape) * terms
