"""How training images reach the step: streamed by tf.data, or resident."""

import tensorflow as tf

from ltpa_tf import data


class StreamFeed:
    """Images come from `tf.data`, already augmented.

    Args:
        split: The training part.
        arguments: Of `ltpa_tf.data.train_dataset`.
        strategy: The strategy.
    """

    def __init__(
        self, split: data.Split, strategy: tf.distribute.Strategy, **arguments
    ):
        self._split = split
        self._strategy = strategy
        self._arguments = arguments

    def iterator(self, step: int):
        """The per-replica examples of `step` and all later ones."""

        def dataset(context: tf.distribute.InputContext) -> tf.data.Dataset:
            return data.train_dataset(
                self._split,
                start_step=step,
                replicas=self._strategy.num_replicas_in_sync,
                worker=context.input_pipeline_id,
                workers=context.num_input_pipelines,
                **self._arguments,
            )

        return iter(self._strategy.distribute_datasets_from_function(dataset))

    def next(self, iterator):
        """The next batch of every replica; to be called outside of replicas."""
        return next(iterator)

    def held(self) -> tuple:
        """What a replica hands to `examples`; to be called in it, outside XLA."""
        return ()

    def examples(self, batch, held: tuple, step: tf.Tensor, replica: tf.Tensor):
        """A replica's images and labels; pure, part of what XLA compiles."""
        del held, step, replica
        return batch
