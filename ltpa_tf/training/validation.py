"""Loss and accuracy on held-out examples, and statistics for averaged weights."""

import keras
import tensorflow as tf

from ltpa_tf import data
from ltpa_tf.training.state import (
    StateVariables,
    is_seed,
    local_variables,
    pack,
    unpack,
)
from ltpa_tf.training.step import dropout_seeds, with_seeds, without_seeds

# Training examples that batch norm's statistics are re-estimated from.
_ESTIMATION_EXAMPLES = 10_000


class Validation:
    """Evaluates the state's weights, on all replicas.

    Args:
        strategy: The strategy.
        model: The model, for its graph.
        state: The state.
        jit: Whether XLA compiles.
    """

    def __init__(
        self,
        strategy: tf.distribute.Strategy,
        model: keras.Model,
        state: StateVariables,
        *,
        jit: bool,
    ):
        self._strategy = strategy
        self._model = model
        self._state = state
        self._seeds = sum(is_seed(v) for v in model.non_trainable_variables)
        self._replica_sums = tf.function(self._sums, jit_compile=jit)
        self._batch = tf.function(self._sums_of_batch)

    def evaluate(self, split: data.Split, batch_size: int) -> dict[str, float]:
        """Mean loss and accuracy over a split, each example counted once.

        Args:
            split: Any number of examples.
            batch_size: Examples at once on each replica.
        """
        replicas = self._strategy.num_replicas_in_sync

        def dataset(context: tf.distribute.InputContext) -> tf.data.Dataset:
            # Each replica reads as if it were a worker of its own: all then have the
            # same number of batches, the last ones masked.
            here = replicas // context.num_input_pipelines
            mine = range(
                context.input_pipeline_id * here, (context.input_pipeline_id + 1) * here
            )
            parts = [
                data.evaluation_dataset(
                    split, batch_size=batch_size, worker=replica, workers=replicas
                )
                for replica in mine
            ]
            turns = tf.data.Dataset.range(here).repeat()
            return tf.data.Dataset.choose_from_datasets(parts, turns)

        total = tf.zeros([3])
        for batch in self._strategy.distribute_datasets_from_function(dataset):
            total += self._batch(batch)
        loss, correct, examples = total.numpy().tolist()
        return {"loss": loss / examples, "accuracy": correct / examples}

    def _sums_of_batch(self, batch) -> tf.Tensor:
        def replica_step(images, labels, mask):
            state = self._state.read_for_evaluation()
            return self._replica_sums(*state, images, labels, mask)

        sums = self._strategy.run(replica_step, batch)
        return self._strategy.reduce(tf.distribute.ReduceOp.SUM, sums, axis=None)

    def _sums(self, trainable, local, images, labels, mask) -> tf.Tensor:
        """The sums of loss, correct predictions and examples where `mask` is true."""
        seeds = dropout_seeds(0, tf.constant(0), tf.constant(0), self._seeds)
        logits, _ = self._model.stateless_call(
            trainable,
            with_seeds(self._model, local, seeds),
            tf.cast(images, tf.float32),
            training=False,
        )
        losses = keras.losses.sparse_categorical_crossentropy(
            labels, logits, from_logits=True
        )
        correct = tf.argmax(logits, -1, output_type=labels.dtype) == labels
        weights = tf.cast(mask, tf.float32)
        return tf.stack(
            [
                tf.reduce_sum(tf.where(mask, losses, 0.0)),
                tf.reduce_sum(tf.cast(correct, tf.float32) * weights),
                tf.reduce_sum(weights),
            ]
        )


class NormEstimate:
    """Re-estimates batch norm's statistics for the moving average of the weights.

    The averaged weights see other activations than those whose statistics were
    collected: used with them, a good average can predict like chance. So some training
    batches go through the averaged weights once, and their statistics are averaged.

    Args:
        strategy: The strategy.
        model: The model, for its graph.
        state: The state; must hold an average.
        feed: Where training examples come from.
        seed: For dropout.
        batch_size: Examples per step over all replicas.
        jit: Whether XLA compiles.
    """

    def __init__(
        self,
        strategy: tf.distribute.Strategy,
        model: keras.Model,
        state: StateVariables,
        feed,
        *,
        seed: int,
        batch_size: int,
        jit: bool,
    ):
        self._strategy = strategy
        self._model = model
        self._state = state
        self._feed = feed
        self._seed = seed
        self._batches = max(1, _ESTIMATION_EXAMPLES // batch_size)
        momenta = _momenta(model)
        self._shapes = [tuple(v.shape) for v in local_variables(model)]
        self._share = [1.0 - momenta[id(v)] for v in local_variables(model)]
        self._seeds = sum(is_seed(v) for v in model.non_trainable_variables)
        self._replica_statistics = tf.function(self._statistics, jit_compile=jit)
        self._call = tf.function(self._estimate)

    def __call__(self, step: int, steps_per_epoch: int) -> None:
        """Sets the statistics for evaluation from the epoch's batches up to `step`."""
        if not self._shapes:
            return
        batches = min(self._batches, steps_per_epoch)
        self._call(
            self._feed.iterator(step - batches),
            tf.constant(step - batches, tf.int64),
            tf.constant(batches, tf.int32),
        )

    def _estimate(self, iterator, first, batches) -> None:
        sizes = sum(tf.TensorShape(s).num_elements() for s in self._shapes)

        def replica_step(batch, step):
            context = tf.distribute.get_replica_context()
            replica = tf.convert_to_tensor(context.replica_id_in_sync_group)
            found = self._replica_statistics(
                self._state.read(), batch, self._feed.held(), step, replica
            )
            return context.all_reduce(tf.distribute.ReduceOp.MEAN, found)

        total = tf.zeros([sizes])
        for i in tf.range(batches):
            found = self._strategy.run(
                replica_step, (self._feed.next(iterator), first + tf.cast(i, tf.int64))
            )
            total += self._strategy.experimental_local_results(found)[0]
        mean = unpack(total / tf.cast(batches, tf.float32), self._shapes)
        self._strategy.run(lambda: self._state.write_evaluation_local(mean))

    def _statistics(self, state, batch, held, step, replica) -> tf.Tensor:
        """This batch's statistics, packed.

        Batch norm gives m * old + (1 - m) * batch: with old = 0 that is the batch's.
        """
        images, _ = self._feed.examples(batch, held, step, replica)
        _, values = self._model.stateless_call(
            state.ema,
            with_seeds(
                self._model,
                [tf.zeros(shape) for shape in self._shapes],
                dropout_seeds(self._seed, step, replica, self._seeds),
            ),
            tf.cast(images, tf.float32),
            training=True,
        )
        local = without_seeds(self._model, values)
        return pack([v / s for v, s in zip(local, self._share, strict=True)])


def _momenta(model: keras.Model) -> dict[int, float]:
    """Batch norm's momentum by the id of each moving statistic."""
    return {
        id(variable): layer.momentum
        for layer in model._flatten_layers()
        if isinstance(layer, keras.layers.BatchNormalization)
        for variable in (layer.moving_mean, layer.moving_variance)
    }
