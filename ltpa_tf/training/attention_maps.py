"""Where the attention looks, told and drawn while training."""

import math
from collections.abc import Callable, Sequence

import keras
import numpy as np
import tensorflow as tf

from ltpa_tf import data, models
from ltpa_tf.explain.maps import entropy
from ltpa_tf.explain.overlay import overlays
from ltpa_tf.training.network import local_variables
from ltpa_tf.training.state import StateVariables

# Images that the entropy is averaged over, at most.
_EXAMPLES = 32
# Epochs of a run whose pictures are kept, about.
_PICTURED_EPOCHS = 50


class AttentionMaps(keras.callbacks.Callback):
    """Shows what the attention looks at in a few images that are not trained on.

    After each epoch every level's entropy joins the metrics, and now and then
    TensorBoard gets pictures.

    Args:
        model: The model, for its graph.
        source: The data set; its first test images are watched.
        pictures: How many images to make pictures of.
        state: Holds the values of the model's variables.
        writer: Takes the pictures.
        show: Others that take them: step, uint8 `[N, H, W', 3]`.
    """

    def __init__(
        self,
        model: keras.Model,
        source: data.Source,
        pictures: int,
        state: StateVariables | None = None,
        writer: tf.summary.SummaryWriter | None = None,
        show: Sequence[Callable[[int, np.ndarray], None]] = (),
    ):
        super().__init__()
        self._state, self._writer, self._show = state, writer, show
        split = source.test or source.validation
        self._maps = None
        if split is None or not models.estimators(model):
            return
        self._pictures = min(pictures, len(split))
        examples = tf.range(min(_EXAMPLES, len(split)), dtype=tf.int64)
        self._images = split.images(examples, tf.constant(0, tf.int64)).numpy()
        self._graph = model
        self._attention = models.attention_model(model)
        self._grids = models.grids(model, self._images.shape[1:3])
        self._maps = tf.function(self._maps_with, autograph=False)

    def on_epoch_end(self, epoch: int, logs: dict) -> None:
        """Adds `entropy_LEVEL` to the logs."""
        entropies, pictures = self.look(*self._state.read_for_evaluation())
        logs |= entropies
        every = math.ceil(self.params["epochs"] / _PICTURED_EPOCHS)
        if pictures is not None and len(pictures) and (epoch + 1) % every == 0:
            with self._writer.as_default():
                tf.summary.image(
                    "attention",
                    pictures,
                    step=int(logs["step"]),
                    max_outputs=len(pictures),
                )
            for show in self._show:
                show(int(logs["step"]), pictures)

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
            pictures: each image, and beside it the same under its map of every level,
            see `overlays`; None without attention.
        """
        if self._maps is None:
            return {}, None
        found = self._maps(weights, local)
        maps = {name: value.numpy() for name, value in found.items()}
        del maps["logits"]
        entropies = {f"entropy_{name}": entropy(m) for name, m in maps.items()}
        few = slice(self._pictures)
        shown = {name: each[few] for name, each in maps.items()}
        return entropies, overlays(self._images[few], shown, self._grids)

    def _maps_with(self, weights: list, local: list) -> dict[str, tf.Tensor]:
        variables = [*self._graph.trainable_variables, *local_variables(self._graph)]
        values = zip(variables, [*weights, *local], strict=True)
        with keras.StatelessScope(state_mapping=list(values)):
            return self._attention(tf.cast(self._images, tf.float32), training=False)
