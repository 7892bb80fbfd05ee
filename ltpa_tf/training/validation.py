"""Loss and accuracy on held-out examples, and statistics for averaged weights."""

import keras
import tensorflow as tf

from ltpa_tf import data
from ltpa_tf.distribution import over_replicas, pack, unpack
from ltpa_tf.training.network import local_variables, with_seeds, without_seeds
from ltpa_tf.training.state import StateVariables

# Training examples that batch norm's statistics are re-estimated from.
_ESTIMATION_EXAMPLES = 10_000


class Validation:
    """Evaluates the state's weights on a split, on all replicas.

    Args:
        strategy: The strategy.
        model: The model, for its graph.
        state: The state.
        split: The held-out examples, any number.
        batch_size: Examples at once on each replica.
        jit: Whether XLA compiles.
    """

    def __init__(
        self,
        strategy: tf.distribute.Strategy,
        model: keras.Model,
        state: StateVariables,
        split: data.Split,
        batch_size: int,
        *,
        jit: bool,
    ):
        self._strategy = strategy
        self._model = model
        self._state = state
        self._split = split
        self._batch_size = batch_size
        # Replicas read as if each were a worker of its own: all then have the same
        # number of batches, the last ones masked.
        self._passes = -(-len(split) // (batch_size * strategy.num_replicas_in_sync))
        self._iterator = None
        self._replica_sums = tf.function(self._sums, jit_compile=jit, autograph=False)
        self._call = tf.function(self._evaluate, autograph=False)

    def evaluate(self) -> dict[str, float]:
        """Mean loss and accuracy, each example counted once."""
        if self._iterator is None:
            # Endless, so that no replica asks the others whether they have more.
            dataset = self._strategy.distribute_datasets_from_function(self._batches)
            self._iterator = iter(dataset)
        sums = self._call(self._iterator, tf.constant(self._passes))
        loss, correct, examples = sums.numpy().tolist()
        return {"loss": loss / examples, "accuracy": correct / examples}

    def _batches(self, context: tf.distribute.InputContext) -> tf.data.Dataset:
        """Passes without end over this worker's part, in turn for each replica."""
        replicas = self._strategy.num_replicas_in_sync
        here = replicas // context.num_input_pipelines
        parts = [
            data.evaluation_dataset(
                self._split,
                batch_size=self._batch_size,
                worker=context.input_pipeline_id * here + replica,
                workers=replicas,
            ).repeat()
            for replica in range(here)
        ]
        turns = tf.data.Dataset.range(here).repeat()
        return tf.data.Dataset.choose_from_datasets(parts, turns)

    def _evaluate(self, iterator, passes: tf.Tensor) -> tf.Tensor:
        def replica_step(images, labels, mask):
            sums = self._replica_sums(
                *self._state.read_for_evaluation(), images, labels, mask
            )
            return over_replicas(tf.distribute.ReduceOp.SUM, sums)

        def turn(i, total):
            sums = self._strategy.run(replica_step, next(iterator))
            return i + 1, total + self._strategy.experimental_local_results(sums)[0]

        start = (tf.constant(0), tf.zeros([3]))
        return tf.while_loop(lambda i, _: i < passes, turn, start)[1]

    def _sums(self, trainable, local, images, labels, mask) -> tf.Tensor:
        """The sums of loss, correct predictions and examples where `mask` is true."""
        logits, _ = self._model.stateless_call(
            trainable,
            with_seeds(self._model, local),
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
    collected: used with them, a good average can predict like chance. So the first
    training batches go through the averaged weights, and the mean of their statistics
    is taken.

    Args:
        strategy: The strategy.
        model: The model, for its graph.
        state: The state; must hold an average.
        feed: Where training examples come from.
        seed: For dropout.
        batch_size: Examples per step over all replicas.
        steps_per_epoch: How many such batches there are.
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
        steps_per_epoch: int,
        jit: bool,
    ):
        self._strategy = strategy
        self._model = model
        self._state = state
        self._feed = feed
        self._seed = seed
        self._batches = min(max(1, _ESTIMATION_EXAMPLES // batch_size), steps_per_epoch)
        self._shapes = [tuple(v.shape) for v in local_variables(model)]
        momenta = _momenta(model)
        self._momenta = [momenta.get(id(v)) for v in local_variables(model)]
        # Without XLA no function of its own: in one, replicas can't meet, as they do in
        # synchronized batch norm.
        compiled = tf.function(self._statistics, jit_compile=True, autograph=False)
        self._replica_statistics = compiled if jit else self._statistics
        self._iterator = None
        self._call = tf.function(self._estimate, autograph=False)

    def __call__(self) -> None:
        """Sets the statistics that go with the average in evaluation."""
        if not self._shapes:
            return
        if self._iterator is None:
            self._iterator = self._feed.iterator(0, again_after=self._batches)
        self._call(self._iterator, tf.constant(self._batches))

    def _estimate(self, iterator, batches: tf.Tensor) -> None:
        sizes = sum(tf.TensorShape(s).num_elements() for s in self._shapes)

        def replica_step(batch, step):
            context = tf.distribute.get_replica_context()
            replica = tf.convert_to_tensor(context.replica_id_in_sync_group)
            found = self._replica_statistics(
                self._state.read(), batch, self._feed.held(), step, replica
            )
            return over_replicas(tf.distribute.ReduceOp.MEAN, found)

        def turn(i, total):
            batch = self._feed.next(iterator)
            found = self._strategy.run(replica_step, (batch, tf.cast(i, tf.int64)))
            return i + 1, total + self._strategy.experimental_local_results(found)[0]

        start = (tf.constant(0), tf.zeros([sizes]))
        _, total = tf.while_loop(lambda i, _: i < batches, turn, start)
        mean = unpack(total / tf.cast(batches, tf.float32), self._shapes)
        self._strategy.run(lambda: self._state.write_evaluation_local(mean))

    def _statistics(self, state, batch, held, step, replica) -> tf.Tensor:
        """This batch's statistics, packed; what isn't one stays as it is.

        Batch norm gives m * old + (1 - m) * batch: with old = 0 that is the batch's.
        """
        images, _ = self._feed.examples(batch, held, step, replica)
        before = [
            value if momentum is None else tf.zeros_like(value)
            for value, momentum in zip(state.local, self._momenta, strict=True)
        ]
        _, values = self._model.stateless_call(
            state.ema,
            with_seeds(self._model, before, self._seed, step, replica),
            tf.cast(images, tf.float32),
            training=True,
        )
        after = without_seeds(self._model, values)
        return pack(
            [
                value if momentum is None else value / (1.0 - momentum)
                for value, momentum in zip(after, self._momenta, strict=True)
            ]
        )


def _momenta(model: keras.Model) -> dict[int, float]:
    """The momentum of each moving statistic that training updates, by its id."""
    return {
        id(variable): layer.momentum
        for layer in model._flatten_layers()
        if isinstance(layer, keras.layers.BatchNormalization) and layer.trainable
        for variable in (layer.moving_mean, layer.moving_variance)
    }
