"""Maps of gradients, compiled: Grad-CAM and its kin, and saliency.

tf-keras-vis and Xplique have most of them too (tests compare); but not at the cells'
own resolution and place, nor fast enough for every image of a data set.
"""

from collections.abc import Callable

import keras
import tensorflow as tf

from ltpa_tf import models
from ltpa_tf.errors import SettingError
from ltpa_tf.explain.methods.method import compiled, placed
from ltpa_tf.layers import AttentionEstimator

# Features and the gradient of the class's logit by them, [B, h, w, C] -> [B, h, w].
Rule = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]


def grad_cam(features: tf.Tensor, gradient: tf.Tensor) -> tf.Tensor:
    """Channels weighted by their mean gradient (Selvaraju et al., arXiv 1610.02391)."""
    weights = tf.reduce_mean(gradient, (1, 2), keepdims=True)
    return tf.nn.relu(tf.reduce_sum(weights * features, -1))


def grad_cam_pp(features: tf.Tensor, gradient: tf.Tensor) -> tf.Tensor:
    """Grad-CAM++ (Chattopadhay et al., arXiv 1710.11063, equations 10 and 19).

    Its factor exp(logit), the same for a whole map, is left out: it overflows.
    """
    square, cube = gradient**2, gradient**3
    summed = tf.reduce_sum(features, (1, 2), keepdims=True)
    alpha = tf.math.divide_no_nan(square, 2 * square + summed * cube)
    weights = tf.reduce_sum(alpha * tf.nn.relu(gradient), (1, 2), keepdims=True)
    return tf.nn.relu(tf.reduce_sum(weights * features, -1))


def hires_cam(features: tf.Tensor, gradient: tf.Tensor) -> tf.Tensor:
    """Feature times gradient, signed (Draelos and Carin, arXiv 2011.08891)."""
    return tf.reduce_sum(gradient * features, -1)


def layer_cam(features: tf.Tensor, gradient: tf.Tensor) -> tf.Tensor:
    """Feature times positive gradient (Jiang et al., LayerCAM, TIP 2021)."""
    return tf.nn.relu(tf.reduce_sum(tf.nn.relu(gradient) * features, -1))


RULES: dict[str, Rule] = {
    "gradcam": grad_cam,
    "gradcam_pp": grad_cam_pp,
    "hirescam": hires_cam,
    "layercam": layer_cam,
}


def of_features(
    model: keras.Model, size: tuple[int, int], name: str, layer: str | None = None
) -> Callable:
    """A map of the features that a layer makes, or an estimator attends to.

    Args:
        model: A functional model.
        size: `(H, W)` of the images.
        name: One of `RULES`; so is the map called, with `@LAYER` if one is given.
        layer: Name of the layer; None: see `last_features`.

    Raises:
        SettingError: If there is no such layer, or its output has no positions.
    """
    grids = models.grids(model, size)
    where = layer or last_features(model)
    if where not in grids:
        raise SettingError(
            "--maps", f"{name}@{where}", "a layer with positions: " + ", ".join(grids)
        )
    features_and_logits = _with_features(model, where)
    rule, key = RULES[name], name if layer is None else f"{name}@{layer}"

    @compiled
    def maps(images, classes):
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(images)
            features, logits = features_and_logits(images, training=False)
            score = _of_class(logits, classes)
        gradient = tape.gradient(score, features)
        if gradient is None:  # nothing of the logits rests on them
            gradient = tf.zeros_like(features)
        cells = rule(tf.cast(features, tf.float32), tf.cast(gradient, tf.float32))
        return {key: placed(cells, grids[where], size)}

    return maps


def saliency(model: keras.Model, size: tuple[int, int]) -> Callable:
    """The largest absolute gradient of a pixel's channels (arXiv 1312.6034)."""
    del size

    @compiled
    def maps(images, classes):
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(images)
            score = _of_class(model(images, training=False), classes)
        return {"saliency": tf.reduce_max(tf.abs(tape.gradient(score, images)), -1)}

    return maps


def last_features(model: keras.Model) -> str:
    """The layer whose features Grad-CAM takes.

    The model's last level; without attention the last layer with several positions.
    """
    levels = [x.name for x in model.layers if isinstance(x, AttentionEstimator)]
    if levels:
        return levels[-1]
    for layer in reversed(model.layers):
        shape = getattr(layer.output, "shape", ())
        if len(shape) == 4 and shape[1:3] != (1, 1):
            return layer.name
    raise SettingError("model", model.name, "a model that has features with positions")


def _with_features(model: keras.Model, name: str) -> keras.Model:
    """From images to what layer `name` makes, or an estimator takes, and the logits."""
    found = []

    def call(layer, *args, **kwargs):
        outputs = layer(*args, **kwargs)
        if layer.name == name:
            if isinstance(layer, AttentionEstimator):
                found.append(args[0] if args else kwargs["local"])
            else:
                found.append(outputs)
        return outputs

    again = models.reapplied(model, call)
    if not found:
        raise SettingError("--maps", f"layer {name!r}", "a layer of the model's own")
    return keras.Model(again.input, [found[0], again.output])


def _of_class(logits: tf.Tensor, classes: tf.Tensor) -> tf.Tensor:
    return tf.gather(logits, classes, axis=1, batch_dims=1)
