"""A model that loads in a moment."""

import tensorflow as tf


class Light(tf.Module):
    """Classes by the mean colour; as an export of a model without attention."""

    def __init__(self, classes: int):
        self._kernel = tf.Variable(tf.random.stateless_normal((3, classes), (0, 0)))

    @tf.function(
        input_signature=[tf.TensorSpec((None, 32, 32, 3), tf.uint8, "images")],
        autograph=False,
    )
    def serve(self, images):
        images = tf.cast(tf.ensure_shape(images, (None, 32, 32, 3)), tf.float32)
        scores = tf.reduce_mean(images, (1, 2)) @ self._kernel
        top = tf.math.top_k(scores, 5).indices
        return {
            "probabilities": tf.nn.softmax(scores),
            "top_classes": top,
            "top_names": tf.strings.as_string(top),
        }
