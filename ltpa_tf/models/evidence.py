"""Evidence: a class's logit as a sum over the positions of all levels."""

import keras

from ltpa_tf.errors import SettingError
from ltpa_tf.layers.estimator import AttentionEstimator
from ltpa_tf.layers.heads import HEADS
from ltpa_tf.models.views import reapplied


def evidence_model(model: keras.Model, *, of_predicted: bool = False) -> keras.Model:
    """The model that takes a class's logit apart into what each position gives to it.

    The logit is linear in the attended descriptors (piecewise, with the paper's
    projection), and these are sums over positions:

        logit = bias + sum_s sum_i  a_i <d logit / d g_s, l_i>

    The summand at level s and position i is the position's *evidence* for the class:
    positive where it speaks for it. It is exact: with the bias, the evidence of all
    levels and positions is the logit, up to rounding. With an `IndepHead`, which
    averages probabilities, each level has a logit of its own, which its own evidence
    and bias add up to.

    The bias holds, beside that of the linear layer, what batch norm shifts.

    Args:
        model: A functional model whose output is a head of `ltpa_tf.layers` on the
            descriptors of its `AttentionEstimator` layers.
        of_predicted: Whether the class is always the predicted one.

    Returns:
        A model over the same weights. Its input is `[images, classes]`, the latter
        int32 `[B]`; `images` alone if `of_predicted`. Its output is a dict of float32:
        `"logits"` `[B, K]` of the model; for each estimator, `"evidence_7"` of
        `"level_7"`, the evidence `[B, H, W]` at the level's own resolution; and
        `"evidence_bias"`, `[B, 1]`, or `[B, S]` for the S levels of an `IndepHead`, in
        their order. `attention_model` of it adds the maps.

    Raises:
        SettingError: If the model isn't of that form.

    Example:
        >>> model = models.build("vgg_att2_concat_pc", width=0.125)
        >>> taken_apart = models.evidence_model(model, of_predicted=True)
        >>> outputs = taken_apart(np.ones((1, 32, 32, 3)))
        >>> parts = ("evidence_10", "evidence_13", "evidence_bias")
        >>> total = sum(np.sum(outputs[name]) for name in parts)
        >>> bool(np.isclose(total, np.max(outputs["logits"]), atol=1e-4))
        True
    """
    named = {}
    parts: dict[int, tuple] = {}
    head = None

    def call(layer, *args, **kwargs):
        nonlocal head
        outputs = layer(*args, **kwargs)
        if isinstance(layer, AttentionEstimator):
            local = args[0] if args else kwargs["local"]
            # The tensor itself, so that no other gets its number.
            parts[id(outputs[0])] = layer, outputs[0], outputs[2], local
        if isinstance(layer, tuple(HEADS.values())):
            head = layer, args[0]
        return outputs

    again = reapplied(model, call)
    if head is None or any(id(descriptor) not in parts for descriptor in head[1]):
        raise SettingError(
            "model",
            model.name,
            "a model whose head takes the descriptors of attention estimators",
        )
    layer, descriptors = head
    logits = again.output
    classes = keras.Input((), dtype="int32", name="classes")
    of_class = logits if of_predicted else classes
    # Layers instead of operations: a backbone may have a layer named "sum" itself.
    linear = _Linear(layer, name=f"{layer.name}_around")
    slopes, bias = linear([*descriptors, of_class])
    for slope, descriptor in zip(slopes, descriptors, strict=True):
        estimator, _, attention, local = parts[id(descriptor)]
        given = _Given(estimator.pooling, name=f"{estimator.name}_given")
        named[evidence_name(estimator.name)] = given([attention, local, slope])
    inputs = again.input if of_predicted else [again.input, classes]
    outputs = {"logits": logits, **named, "evidence_bias": bias}
    return keras.Model(inputs, outputs, name=model.name)


def evidence_name(estimator: str) -> str:
    """`evidence_7` of the estimator `level_7`.

    Example:
        >>> models.evidence_name("level_7")
        'evidence_7'
    """
    return f"evidence_{estimator.removeprefix('level_')}"


class _Linear(keras.layers.Layer):
    """A head's `linear_around` as a layer: its weights stay the head's own."""

    def __init__(self, head: keras.layers.Layer, **kwargs):
        super().__init__(autocast=False, **kwargs)
        self.head = head

    def call(self, inputs):
        *descriptors, classes = inputs
        if len(classes.shape) == 2:  # logits: the predicted class
            # Keras's argmax casts bits, which ONNX doesn't have.
            classes = keras.ops.top_k(classes, 1)[1][:, 0]
        return self.head.linear_around(descriptors, classes)

    def compute_output_spec(self, inputs):
        *descriptors, classes = inputs
        slopes = [keras.KerasTensor(d.shape, "float32") for d in descriptors]
        biases = len(self.head.linear)
        return slopes, keras.KerasTensor((classes.shape[0], biases), "float32")


class _Given(keras.layers.Layer):
    """`a_i <slope, l_i>`, what each position gives to the logit."""

    def __init__(self, pooling: keras.layers.Layer, **kwargs):
        super().__init__(autocast=False, **kwargs)
        self.pooling = pooling

    def call(self, inputs):
        attention, local, slope = inputs
        local = keras.ops.cast(local, "float32")
        given = keras.ops.sum(local * slope[:, None, None], axis=-1)
        return self.pooling.shares(attention) * given

    def compute_output_spec(self, inputs):
        return keras.KerasTensor(inputs[0].shape, "float32")
