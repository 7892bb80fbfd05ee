"""Functional models that are saved as the arguments that they were made of."""

from collections.abc import Mapping, Sequence

import keras

from ltpa_tf.models.guarded import Guarded


class Configured(Guarded):
    """A functional model whose config is its constructor's arguments."""

    def _keep(
        self,
        dtype: keras.DTypePolicy,
        image_shape: Sequence[int | None],
        num_classes: int,
        settings: Mapping,
        mean: Sequence[float] | None,
        std: Sequence[float] | None,
    ) -> None:
        """Takes them down, in their normal form; at the end of the constructor."""
        self.dtype_policy = dtype
        self._settings = {
            "image_shape": tuple(image_shape),
            "num_classes": int(num_classes),
            **settings,
            "mean": None if mean is None else tuple(map(float, mean)),
            "std": None if std is None else tuple(map(float, std)),
        }

    def get_config(self) -> dict:
        """The arguments that make this model; `from_config` takes them."""
        return {
            "name": self.name,
            "trainable": self.trainable,
            "dtype": keras.dtype_policies.serialize(self.dtype_policy),
            **self._settings,
        }
