"""How training images reach the step: streamed by tf.data, or resident.

Either way the images of a step are the same, bit for bit.
"""

from collections.abc import Iterator

import numpy as np
import tensorflow as tf

from ltpa_tf import distribution
from ltpa_tf.data.augmentation import Augmentation, augment
from ltpa_tf.data.pipeline import examples_of, train_dataset
from ltpa_tf.data.source import Source, Split
from ltpa_tf.errors import SettingError

# What "auto" puts on an accelerator at most; CIFAR takes 0.15e9.
_MOST_BYTES = 1e9


class StreamFeed:
    """Images come from `tf.data`, already augmented.

    Args:
        split: The training part.
        arguments: Of `train_dataset`.
        strategy: The strategy.
    """

    def __init__(self, split: Split, strategy: tf.distribute.Strategy, **arguments):
        self._split = split
        self._strategy = strategy
        self._arguments = arguments

    def iterator(self, step: int, again_after: int = 0) -> Iterator:
        """The per-replica examples of `step` and all later ones.

        Args:
            step: The global step.
            again_after: Starts again after so many steps; 0 = never.
        """

        def dataset(context: tf.distribute.InputContext) -> tf.data.Dataset:
            batches = train_dataset(
                self._split,
                start_step=step,
                replicas=self._strategy.num_replicas_in_sync,
                worker=context.input_pipeline_id,
                workers=context.num_input_pipelines,
                **self._arguments,
            )
            if not again_after:
                return batches
            replicas = self._strategy.num_replicas_in_sync
            here = replicas // context.num_input_pipelines
            return batches.take(again_after * here).repeat()

        return iter(self._strategy.distribute_datasets_from_function(dataset))

    def next(self, iterator: Iterator) -> tuple:
        """The next batch of every replica; to be called outside of replicas."""
        return next(iterator)

    def held(self) -> tuple:
        """What a replica hands to `examples`; to be called in it, outside XLA."""
        return ()

    def examples(
        self, batch: tuple, held: tuple, step: tf.Tensor, replica: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """A replica's images and labels; pure, part of what XLA compiles."""
        del held, step, replica
        return batch


class ResidentFeed:
    """All images live on every device; order and augmentation are part of the step.

    Nothing then passes between host and device during training.

    Args:
        split: The training part; its `array` must not be None.
        strategy: The strategy.
        batch_size: Over all replicas.
        seed: Of order and augmentation.
        num_classes: Length of the one-hot labels.
        augmentation: What to do to the images.

    Attributes:
        seed: A variable, so that a compiled step serves every seed.
    """

    def __init__(
        self,
        split: Split,
        strategy: tf.distribute.Strategy,
        *,
        batch_size: int,
        seed: int,
        num_classes: int,
        augmentation: Augmentation,
    ):
        self._layout = {
            "examples": len(split),
            "batch_size": batch_size,
            "replicas": strategy.num_replicas_in_sync,
        }
        self._num_classes = num_classes
        self._augmentation = augmentation
        with strategy.scope():
            self._images = distribution.variable_per_replica(split.array)
            # int32 variables would live in the host's memory.
            self._labels = distribution.variable_per_replica(
                split.labels.astype("int64")
            )
            self.seed = distribution.variable_per_replica(np.int64(seed))

    def iterator(self, step: int, again_after: int = 0) -> None:
        """Nothing: the step's number says which examples it takes."""

    def next(self, iterator: None) -> tuple:
        """Nothing is passed to the replicas."""
        return ()

    def held(self) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """This replica's images and labels, all of them, and the seed."""
        return tuple(v.read_value() for v in (self._images, self._labels, self.seed))

    def examples(
        self, batch: tuple, held: tuple, step: tf.Tensor, replica: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """A replica's images and labels; pure, part of what XLA compiles."""
        images, labels, seed = held
        epoch, positions, indices = examples_of(
            step, tf.cast(replica, step.dtype), seed=seed, **self._layout
        )
        return augment(
            tf.gather(images, indices),
            tf.one_hot(tf.gather(labels, indices), self._num_classes),
            seed=seed,
            epoch=epoch,
            positions=positions,
            indices=indices,
            settings=self._augmentation,
        )


def check_placement(
    placement: str, source: Source, strategy: tf.distribute.Strategy
) -> None:
    """Refuses images that can't be made resident.

    All workers come to this by themselves: in the middle of making variables, those
    that wait for the chief's would only learn that it is gone.

    Raises:
        SettingError: Naming `data.placement`.
    """
    if placement == "resident" and source.train.array is None:
        raise SettingError(
            "data.placement",
            placement,
            f"auto or stream: {source.name} is not held in memory",
        )
    # TensorFlow sends every new variable from the chief to the others, and can't send
    # bytes.
    if placement == "resident" and distribution.workers(strategy) > 1:
        raise SettingError(
            "data.placement", placement, "auto or stream: several workers always stream"
        )


def make_feed(
    placement: str,
    source: Source,
    strategy: tf.distribute.Strategy,
    *,
    batch_size: int,
    seed: int,
    augmentation: Augmentation,
) -> StreamFeed | ResidentFeed:
    """The feed of `data.placement`; see `ResidentFeed` for the other arguments.

    Raises:
        SettingError: See `check_placement`.
    """
    check_placement(placement, source, strategy)
    if placement == "auto":
        array, several_workers = source.train.array, distribution.workers(strategy) > 1
        small = array is not None and array.nbytes <= _MOST_BYTES
        resident = small and distribution.has_accelerator() and not several_workers
        placement = "resident" if resident else "stream"
    kind = ResidentFeed if placement == "resident" else StreamFeed
    return kind(
        source.train,
        strategy,
        batch_size=batch_size,
        seed=seed,
        num_classes=len(source.class_names),
        augmentation=augmentation,
    )
