"""A user's Keras callbacks: which are refused, what they see, what they change."""

from collections.abc import Sequence

import keras
import tensorflow as tf
from ml_collections import ConfigDict

from ltpa_tf.errors import SettingError
from ltpa_tf.training.network import local_variables, set_weights
from ltpa_tf.training.saving import Position
from ltpa_tf.training.trainer import Trainer
from ltpa_tf.words import one_of

# The schedule beside which a callback may set the learning rate.
_CONSTANT_RATE = "constant, and optimizer.warmup_epochs 0"
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
                f"{_CONSTANT_RATE}, where the callback {name} sets the learning rate",
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


class ModelShowsTraining(keras.callbacks.Callback):
    """Ahead of a user's callbacks: `self.model` shows them what is trained.

    At the end of an epoch its weights are those that would be saved, otherwise those
    that are trained. Its optimizer is a stand-in which shows the count of steps and the
    learning rate of the step to come.

    Args:
        trainer: What is trained with; its model gets compiled.
        position: Where the run is.

    Attributes:
        shown: What the model showed last: values of weights and other variables.
        rate: The learning rate that it showed last.
        step: The count of steps that it showed last.
    """

    def __init__(self, trainer: Trainer, position: Position):
        super().__init__()
        self._trainer, self._position = trainer, position
        self.step = 0
        model = trainer.model
        model.compile(
            optimizer=keras.optimizers.SGD(trainer.learning_rate(position.step)),
            loss=keras.losses.CategoricalCrossentropy(from_logits=True),
            metrics=["accuracy"],
        )
        # Metrics that aren't built have no names, by which callbacks look for them.
        empty = keras.ops.zeros((1, len(trainer.source.class_names)))
        model.compute_metrics(None, empty, empty)

    def _show_trained(self, *_, logs: dict | None = None) -> None:
        self._show(self._trainer.state.read_trained())

    def _show_evaluated(self, *_, logs: dict | None = None) -> None:
        self._show(self._trainer.state.read_for_evaluation())

    on_train_begin = on_epoch_begin = on_train_batch_end = _show_trained
    on_epoch_end = on_train_end = _show_evaluated

    def _show(self, values: tuple[list[tf.Tensor], list[tf.Tensor]]) -> None:
        set_weights(self.model, *values)
        self.shown = [*values[0], *values[1]]
        optimizer = self.model.optimizer
        optimizer.iterations.assign(self._position.step)
        optimizer.learning_rate = self._trainer.learning_rate(self._position.step)
        self.rate = float(keras.ops.convert_to_numpy(optimizer.learning_rate))
        self.step = self._position.step


class TrainingTakesModel(keras.callbacks.Callback):
    """Behind a user's callbacks: what they set in `self.model` counts.

    A learning rate is that of the next step on. Weights that were changed are trained
    on; with a moving average it begins anew from them. Anything else that training
    would not follow is refused.

    Args:
        trainer: What is trained with.
        before: What the model showed before the callbacks.
        users: The callbacks.

    Attributes:
        took_weights: Whether the last event changed weights.
    """

    def __init__(
        self,
        trainer: Trainer,
        before: ModelShowsTraining,
        users: Sequence[keras.callbacks.Callback],
    ):
        super().__init__()
        self._trainer, self._before = trainer, before
        self._names = ", ".join(type(callback).__name__ for callback in users)
        self._differ = tf.function(
            lambda now, shown: [
                tf.reduce_any(a != b) for a, b in zip(now, shown, strict=True)
            ],
            autograph=False,
        )
        self.took_weights = False

    def set_model(self, model: keras.Model) -> None:
        """Keras gives the model; it is built and compiled."""
        super().set_model(model)
        self._variables = [*model.trainable_variables, *local_variables(model)]
        self._trainable = [v.trainable for v in self._variables]
        self._optimizer = self._fixed_settings()
        self._loss = model.loss
        self._layers = self._numbers()

    def _take(self, *_, logs: dict | None = None) -> None:
        """Takes over what was set."""
        if [v.trainable for v in self._variables] != self._trainable:
            self._refuse("layer.trainable, changed in training", "`build` to freeze it")
        if self._fixed_settings() != self._optimizer:
            self._refuse("a setting of model.optimizer", "config.optimizer for it")
        if self.model.loss is not self._loss:
            self._refuse("model.loss", "config.train for it")
        if self._numbers() != self._layers:
            self._refuse("a layer's number, such as a dropout rate", "`build` for it")
        rate = float(keras.ops.convert_to_numpy(self.model.optimizer.learning_rate))
        if rate != self._before.rate:
            if not isinstance(self._trainer.schedule, float):
                raise SettingError(
                    "optimizer.schedule",
                    self._trainer.schedule.rule,
                    f"{_CONSTANT_RATE}, where a callback sets the learning rate; here "
                    f"one of {self._names} did",
                )
            self._trainer.state.learning_rate = self._before.rate = rate
        now = [tf.convert_to_tensor(v) for v in self._variables]
        changed = [bool(differs) for differs in self._differ(now, self._before.shown)]
        self.took_weights = any(changed)
        if self.took_weights:
            values = [v if c else None for v, c in zip(now, changed, strict=True)]
            self._trainer.state.replace_weights(values)
            self._before.shown = now

    on_train_begin = on_train_end = on_epoch_begin = on_epoch_end = _take
    on_train_batch_begin = on_train_batch_end = on_test_begin = on_test_end = _take

    def _fixed_settings(self) -> dict:
        """All but a rate that is a number, and the count of steps."""
        optimizer = self.model.optimizer
        config = optimizer.get_config()
        if not isinstance(config["learning_rate"], dict):  # a schedule is one
            del config["learning_rate"]
        steps = int(optimizer.iterations) - self._before.step
        return {**config, "iterations": steps}

    def _numbers(self) -> list[dict[str, float]]:
        """Of each layer, what the compiled step has taken as a constant."""
        return [
            {
                name: value
                for name, value in vars(layer).items()
                if name[0] != "_" and type(value) in (int, float)
            }
            for layer in self.model._flatten_layers(include_self=False)
        ]

    def _refuse(self, what: str, accepted: str) -> None:
        raise SettingError(
            "callbacks", f"{self._names}, of which one set {what}", accepted
        )
