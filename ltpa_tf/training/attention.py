"""What the attention of a model in training looks at: numbers and pictures."""

import keras
import numpy as np
import tensorflow as tf

from ltpa_tf import data, models
from ltpa_tf.training.network import local_variables

# Images that the entropy is averaged over, at most.
_EXAMPLES = 32
# A map's brightness is full where it has this many times the even share.
_FULL = 8.0
# Smaller images are enlarged to at least this many pixels.
_HEIGHT = 128


class AttentionWatch:
    """The maps of a fixed few images that are not trained on.

    Args:
        model: The model, for its graph.
        source: The data set; its first test images are watched.
        pictures: How many images to make pictures of.
    """

    def __init__(self, model: keras.Model, source: data.Source, pictures: int):
        split = source.test or source.validation
        self._maps = None
        if split is None or not models.levels_of(model):
            return
        self._pictures = min(pictures, len(split))
        examples = tf.range(min(_EXAMPLES, len(split)), dtype=tf.int64)
        self._images = split.images(examples, tf.constant(0, tf.int64)).numpy()
        self._model = model
        self._attention = models.attention_model(model)
        self._maps = tf.function(self._maps_with)

    def look(
        self, weights: list[tf.Tensor], local: list[tf.Tensor]
    ) -> tuple[dict[str, float], np.ndarray | None]:
        """Entropies and pictures with these values of the model's variables.

        Args:
            weights: Values of its trainable variables.
            local: Values of its other float variables.

        Returns:
            For each level `entropy_LEVEL`, the maps' mean entropy as a share of an even
            map's: 1 looks everywhere, 0 at a single place. And uint8 `[N, H, W', 3]`
            pictures: each image, and its map of every level beside it, white at eight
            times the even share and above; None without attention.
        """
        if self._maps is None:
            return {}, None
        found = self._maps(weights, local)
        maps = {name: value.numpy() for name, value in found.items()}
        del maps["logits"]
        entropies = {f"entropy_{name}": entropy(m) for name, m in maps.items()}
        few = slice(self._pictures)
        height, width = self._images.shape[1:3]
        factor = -(-_HEIGHT // height)
        size = height * factor, width * factor
        strips = [_enlarged(self._images[few], *size)]
        strips += [_enlarged(_grey(each[few]), *size) for each in maps.values()]
        return entropies, np.concatenate(strips, axis=2)

    def _maps_with(self, weights: list, local: list) -> dict[str, tf.Tensor]:
        variables = [*self._model.trainable_variables, *local_variables(self._model)]
        values = zip(variables, [*weights, *local], strict=True)
        with keras.StatelessScope(state_mapping=list(values)):
            return self._attention(tf.cast(self._images, tf.float32), training=False)


def entropy(maps: np.ndarray) -> float:
    """The mean entropy of `[N, h, w]` maps: 1 for even ones, 0 for a single place."""
    shares = maps.reshape(len(maps), -1).astype(np.float64)
    shares = shares / np.maximum(shares.sum(1, keepdims=True), 1e-12)
    nats = -(shares * np.log(np.maximum(shares, 1e-12))).sum(1)
    return float(nats.mean() / np.log(shares.shape[1]))


def _grey(maps: np.ndarray) -> np.ndarray:
    """The maps as uint8 `[N, h, w, 3]`."""
    share = maps / np.maximum(maps.mean((1, 2), keepdims=True), 1e-12)
    grey = (255 * np.minimum(share / _FULL, 1)).astype(np.uint8)
    return np.repeat(grey[..., np.newaxis], 3, axis=-1)


def _enlarged(images: np.ndarray, height: int, width: int) -> np.ndarray:
    """The nearest pixel of `[N, h, w, 3]` for each of `[N, height, width, 3]`."""
    rows = np.arange(height) * images.shape[1] // height
    columns = np.arange(width) * images.shape[2] // width
    return images[:, rows][:, :, columns]
