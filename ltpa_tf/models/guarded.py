"""Functional models whose `fit` refuses what only REINFORCE can train."""

import keras

from ltpa_tf.errors import SettingError
from ltpa_tf.layers.recurrent import RecurrentGlimpses


@keras.saving.register_keras_serializable(package="ltpa_tf")
class Guarded(keras.Model):
    """A functional model whose `fit` refuses layers that learn by REINFORCE.

    What such a layer draws has no gradient: `fit` would train all other layers and
    leave its scores as they were drawn, without a word.
    """

    def fit(self, *args, **kwargs):
        """As of every Keras model.

        Raises:
            SettingError: With `normalization="sampled"`, or with `policy="learned"` of
                a recurrent model.
        """
        for layer in self.layers:
            if getattr(layer, "chooses", False):
                setting, received, others = (
                    ("policy", "learned", "centre, random")
                    if isinstance(layer, RecurrentGlimpses)
                    else ("normalization", "sampled", "softmax, sigmoid, topk")
                )
                raise SettingError(
                    setting,
                    received,
                    f"one that has a gradient, for model.fit: {others}; REINFORCE is "
                    "in ltpa_tf.training",
                )
        return super().fit(*args, **kwargs)
