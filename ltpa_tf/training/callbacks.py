"""Keras callbacks, where Keras's own loop isn't."""

from collections.abc import Sequence

import keras

from ltpa_tf.training.network import set_weights
from ltpa_tf.training.parts import Parts


class Callbacks:
    """Calls Keras callbacks, which see the model as if Keras trained it.

    The model's weights are, at the end of each epoch, those that would be saved. Its
    optimizer is a stand-in which shows the count of steps and the learning rate and,
    where no schedule rules, takes a new one.

    Args:
        callbacks: The callbacks.
        parts: What is trained with; its model gets compiled.
    """

    def __init__(self, callbacks: Sequence[keras.callbacks.Callback], parts: Parts):
        self._schedule, self._state = parts.schedule, parts.state
        self._model = model = parts.model
        model.compile(
            optimizer=keras.optimizers.SGD(parts.schedule),
            loss=keras.losses.CategoricalCrossentropy(from_logits=True),
            metrics=["accuracy"],
        )
        # Metrics that aren't built have no names, by which callbacks look for them.
        empty = keras.ops.zeros((1, len(parts.source.class_names)))
        model.compute_metrics(None, empty, empty)
        model.stop_training = False
        self._list = keras.callbacks.CallbackList(
            list(callbacks),
            model=model,
            epochs=parts.config.train.epochs,
            steps=parts.steps_per_epoch,
            verbose=0,
        )

    def __bool__(self) -> bool:
        return bool(self._list.callbacks)

    def train_begin(self, step: int) -> None:
        """The run goes on after `step` steps, with the learning rate it had there."""
        if self._chosen_rate:
            self._model.optimizer.learning_rate = self._state.learning_rate
        self._model.optimizer.iterations.assign(step)
        self._tell("on_train_begin")

    def train_end(self) -> None:
        """The run is over."""
        self._tell("on_train_end")

    def epoch_begin(self, epoch: int) -> None:
        """An epoch, counted from 0, begins or goes on."""
        self._tell("on_epoch_begin", epoch)

    def batch_begin(self, batch: int) -> None:
        """A call begins with this batch of the epoch."""
        self._tell("on_train_batch_begin", batch)

    def batch_end(self, batch: int, step: int, figures: dict) -> None:
        """A call has ended with this batch, after `step` steps in all."""
        self._model.optimizer.iterations.assign(step)
        self._tell("on_train_batch_end", batch, figures)

    def epoch_end(self, epoch: int, figures: dict) -> bool:
        """An epoch has ended; whether a callback wants to stop."""
        set_weights(self._model, *self._state.evaluation_arrays())
        self._tell("on_epoch_end", epoch, figures)
        return bool(self._model.stop_training)

    @property
    def _chosen_rate(self) -> bool:
        return isinstance(self._schedule, float)

    def _tell(self, event: str, *arguments) -> None:
        """Calls all callbacks; each event may bring a new rate, and be saved after."""
        getattr(self._list, event)(*arguments)
        if self._chosen_rate:
            rate = self._model.optimizer.learning_rate
            self._state.learning_rate = keras.ops.convert_to_numpy(rate)
