"""Progressive attention: levels whose map gates what goes on through the trunk."""

from collections.abc import Mapping, Sequence

import keras

from ltpa_tf.models.attention import gated
from ltpa_tf.models.trunks import Trunk, fully_connected, pooled, trunk_features


class Gates:
    """Makes of a gated level's features those that go on; for `trunk_features`.

    A gate is the estimator of its level with a sigmoid map, `a_i = sigmoid(c_i)`, and
    `a_i l_i` goes on at each position. Its global feature can't be that of the model,
    which comes from what the gate has let through: it has one of its own, made of the
    level's features alone. They are max pooled as far as between level and trunk's end,
    and pass convolutions and linear layer of the same form as those to the model's.
    So does the authors' code for VGG-PAN.

    Args:
        levels: The gated ones.
        trunk: The model's.
        settings: Of `trunk_features`: width, batch_norm, dropout, padding, dtype.
        channels: Of the global feature.
        form: Of attention: compatibility, match, projection, projection_epsilon.
    """

    def __init__(
        self,
        levels: Sequence[int],
        trunk: Trunk,
        settings: Mapping,
        channels: int,
        form: Mapping,
    ):
        self._levels, self._trunk = levels, trunk
        self._settings, self._channels, self._form = settings, channels, form

    def __call__(self, level: int, local: keras.KerasTensor) -> keras.KerasTensor:
        """What goes on of a level's features, `[B, H, W, C]`."""
        if level not in self._levels:
            return local
        form = {k: self._settings[k] for k in ("batch_norm", "dropout", "dtype")}
        return gated(local, self._global(level, local), level, **form, **self._form)

    def _global(self, level, local):
        trunk, prefix = self._trunk, f"gate_{level}_"
        dtype, dropout = self._settings["dtype"], self._settings["dropout"]
        x = local
        for number in range(level, trunk.levels + 1):
            if trunk.pools_before(number + 1, "before_pool") > trunk.pools_before(
                number, "before_pool"
            ):
                x = pooled(x, f"{prefix}pool{number}", dtype)
        tail = trunk_features(
            x,
            trunk,
            first=trunk.levels + 1,
            depth=len(trunk.channels),
            prefix=prefix,
            **self._settings,
        )
        last = tail[-1].after_pool if tail else x
        return fully_connected(last, self._channels, dropout, dtype, prefix)
