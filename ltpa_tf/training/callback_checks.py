"""Which of Keras's callbacks could not do here what they are for."""

from collections.abc import Sequence

import keras
from ml_collections import ConfigDict

from ltpa_tf.errors import SettingError
from ltpa_tf.training.user_callbacks import CONSTANT_RATE
from ltpa_tf.words import one_of

# What every epoch tells, beside the maps' entropy_level_N; and with validation images.
_TOLD = ("loss", "accuracy", "learning_rate", "gradient_norm")
_TOLD += ("weight_norm", "update_norm")
_VALIDATED = ("val_loss", "val_accuracy")


def check_callbacks(
    callbacks: Sequence[keras.callbacks.Callback], config: ConfigDict
) -> None:
    """Refuses Keras's callbacks that could not do here what they are for.

    Raises:
        SettingError: Naming the setting that is in the way, or does the same.
    """
    kinds = keras.callbacks
    for callback in callbacks:
        if not isinstance(callback, kinds.Callback):
            raise SettingError("callbacks", callback, "Keras callbacks, made")
        name = type(callback).__name__
        settings = config.optimizer
        if isinstance(
            callback, kinds.LearningRateScheduler | kinds.ReduceLROnPlateau
        ) and (settings.schedule != "constant" or settings.warmup_epochs):
            raise SettingError(
                "optimizer.schedule",
                settings.schedule,
                f"{CONSTANT_RATE}, where the callback {name} sets the learning rate",
            )
        if isinstance(callback, kinds.BackupAndRestore):
            raise SettingError(
                "callbacks",
                name,
                "callbacks but this one: a run saves its state and goes on by itself, "
                "see checkpoint.every_steps",
            )
        if isinstance(callback, kinds.SwapEMAWeights):
            raise SettingError(
                "callbacks",
                name,
                "train.ema, by which the averaged weights are evaluated and saved",
            )


def check_monitors(
    callbacks: Sequence[keras.callbacks.Callback], *, validated: bool
) -> None:
    """Refuses Keras's callbacks that watch for what no epoch tells.

    Only where all are Keras's own: others may tell more.

    Args:
        callbacks: The callbacks.
        validated: Whether there are validation images.

    Raises:
        SettingError: Naming what is watched for.
    """
    kinds = keras.callbacks
    watching = [
        callback
        for callback in callbacks
        if isinstance(callback, kinds.EarlyStopping | kinds.ReduceLROnPlateau)
        or (isinstance(callback, kinds.ModelCheckpoint) and callback.save_best_only)
    ]
    told = (*_TOLD, *(_VALIDATED if validated else ()))
    for callback in watching:
        name, monitor = type(callback).__name__, callback.monitor
        if monitor in _VALIDATED and not validated:
            raise SettingError(
                "data.validation_examples",
                0,
                f"some, or data.validation_share: {name} watches {monitor}",
            )
        own = all(type(one).__module__.startswith("keras.") for one in callbacks)
        if own and monitor not in told and not monitor.startswith("entropy_"):
            raise SettingError(
                "callbacks", f"{name} that watches {monitor}", one_of(told)
            )
