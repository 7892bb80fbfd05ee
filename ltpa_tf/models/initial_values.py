"""Initial values as the authors' Torch7 code draws them."""

import keras

from ltpa_tf.layers.compatibility import LocalCompatibility

# That of convolutions, "MSR fan-out", sqrt(2 / (positions * outputs)), with 1 of both.
_DEVIATION_OF_U = 2**0.5


def draw_as_torch(model: keras.Model) -> None:
    """Draws a model's values anew, as the authors' Torch7 code does.

    Keras and Torch7 agree on a layer's function, not on where it starts:

    * linear layers, `nn.Linear`: kernel and bias uniform within 1 / sqrt(inputs);
    * batch norm, `nn.BatchNormalization`: gamma uniform from 0 to 1, beta 0;
    * u, which their code makes as a 1x1 convolution: normal, of deviation sqrt(2). Maps
      so start nearly one-hot, where Keras's default starts with nearly flat ones.

    Convolutions stay as they are: those of `AttentionVGG` start as theirs, normal of
    deviation sqrt(2 / (9 outputs)), with biases of 0.

    Args:
        model: A model with weights. The values come from Keras's global seed.

    Example:
        >>> keras.utils.set_random_seed(0)
        >>> model = models.build("vgg_att2_concat_pc", width=0.25)
        >>> models.draw_as_torch(model)
        >>> u = np.asarray(model.attention_layers[13].scoring.u)
        >>> bool(1.2 < u.std() < 1.6)
        True
    """
    for layer in model._flatten_layers():
        if isinstance(layer, keras.layers.Dense):
            bound = layer.kernel.shape[0] ** -0.5
            _draw(layer.kernel, -bound, bound)
            if layer.bias is not None:
                _draw(layer.bias, -bound, bound)
        elif isinstance(layer, keras.layers.BatchNormalization) and layer.scale:
            _draw(layer.gamma, 0.0, 1.0)
        elif isinstance(layer, LocalCompatibility):
            normal = keras.initializers.RandomNormal(stddev=_DEVIATION_OF_U)
            layer.u.assign(normal(layer.u.shape))


def _draw(variable: keras.Variable, low: float, high: float) -> None:
    uniform = keras.initializers.RandomUniform(low, high)
    variable.assign(uniform(variable.shape))
