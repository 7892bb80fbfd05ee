"""The tf.data path from a split to the model.

Which examples a step sees, and what is done to them, follows from (seed, step) alone.
So training resumes at any step with no saved iterator, and the global batch is the
same however many replicas and workers share it.
"""

import dataclasses

import numpy as np
import tensorflow as tf

from ltpa_tf.data import hashing
from ltpa_tf.data.augmentation import (
    Augmentation,
    augment,
    check_sides,
    move_one,
    moves,
)
from ltpa_tf.data.source import Split
from ltpa_tf.errors import SettingError


def steps_per_epoch(split: Split, batch_size: int) -> int:
    """Full batches in one pass; the examples left over change from epoch to epoch.

    Raises:
        SettingError: When the split is smaller than one batch.

    Example:
        >>> images = np.zeros((1000, 32, 32, 3), np.uint8)
        >>> split = data.array_split(images, np.arange(1000) % 10)
        >>> data.steps_per_epoch(split, 64)
        15
    """
    if not 1 <= batch_size <= len(split):
        raise SettingError(
            "train.batch_size",
            batch_size,
            f"1 to {len(split)}, the number of training examples",
        )
    return len(split) // batch_size


def examples_of(
    step: tf.Tensor,
    replica: tf.Tensor,
    *,
    examples: int,
    batch_size: int,
    replicas: int,
    seed: hashing.Integer,
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """What a replica trains on in a global step.

    Args:
        step: int64 scalar. Step s is step s % steps_per_epoch of epoch
            s // steps_per_epoch.
        replica: int64 scalar.
        examples: Size of the split.
        batch_size: Global.
        replicas: How many share a batch.
        seed: Of the order.

    Returns:
        The epoch, int64 scalar; positions in it, int64 [batch_size / replicas]; and the
        examples that stand there, int64 of the same shape.

    Example:
        >>> epoch, _, indices = data.examples_of(
        ...     np.int64(15),  # the step
        ...     np.int64(0),
        ...     examples=1000,
        ...     batch_size=64,
        ...     replicas=1,
        ...     seed=0,
        ... )
        >>> int(epoch), indices.shape
        (1, TensorShape([64]))
    """
    steps, local = examples // batch_size, batch_size // replicas
    epoch = step // steps
    first = step % steps * batch_size + replica * local
    positions = first + tf.range(local, dtype=tf.int64)
    return epoch, positions, hashing.shuffled(positions, examples, seed, epoch)


def train_dataset(
    split: Split,
    *,
    batch_size: int,
    seed: int,
    num_classes: int,
    augmentation: Augmentation | None = None,
    start_step: int = 0,
    replicas: int = 1,
    worker: int = 0,
    workers: int = 1,
) -> tf.data.Dataset:
    """Endless training batches of this worker's replicas.

    An epoch is a random order of all examples, each once, less the remainder of its
    last batch; see `examples_of`.

    Args:
        split: The training part.
        batch_size: Global, over all replicas of all workers.
        seed: Of order and augmentation.
        num_classes: Length of the one-hot labels.
        augmentation: None = none.
        start_step: The global step to start at.
        replicas: Of all workers together.
        worker: This worker's number, 0 .. workers-1.
        workers: How many there are.

    Returns:
        Elements `(images uint8 [b, H, W, 3], labels float32 [b, num_classes])` with
        b = batch_size / replicas: first this worker's replicas of the first step, in
        order, then those of the second step, and so on.

    Raises:
        SettingError: When the batch can't be divided so.

    Example:
        >>> images = np.zeros((1000, 32, 32, 3), np.uint8)
        >>> split = data.array_split(images, np.arange(1000) % 10)
        >>> batches = data.train_dataset(split, batch_size=64, seed=0, num_classes=10)
        >>> images, labels = next(iter(batches))
        >>> images.shape, labels.shape
        (TensorShape([64, 32, 32, 3]), TensorShape([64, 10]))
    """
    steps_per_epoch(split, batch_size)  # checks the batch size
    settings = augmentation or Augmentation()
    if replicas % workers or batch_size % replicas:
        raise SettingError(
            "train.batch_size",
            batch_size,
            f"a multiple of the {replicas} replicas on {workers} workers",
        )
    here, local = replicas // workers, batch_size // replicas
    labels = tf.constant(split.labels)

    def locate(element):
        return examples_of(
            start_step + element // here,
            worker * here + element % here,
            examples=len(split),
            batch_size=batch_size,
            replicas=replicas,
            seed=seed,
        )

    def finish(images, epoch, positions, indices, settings=settings):
        one_hot = tf.one_hot(tf.gather(labels, indices), num_classes)
        return augment(
            images,
            one_hot,
            seed=seed,
            epoch=epoch,
            positions=positions,
            indices=indices,
            settings=settings,
        )

    def batch(element):
        epoch, positions, indices = locate(element)
        return finish(split.images(indices, epoch), epoch, positions, indices)

    def examples(element):
        epoch, positions, indices = locate(element)
        how = moves(
            settings, seed=seed, epoch=epoch, positions=positions, indices=indices
        )
        row = (tf.repeat(epoch, local), positions, indices, *how)
        return tf.data.Dataset.from_tensor_slices(row)

    def decoded(epoch, position, index, shift, mirrored):
        image = split.image(index)
        if settings.moves:
            image = move_one(image, shift, mirrored)
        return image, epoch, position, index

    def finish_decoded(images, epochs, positions, indices):
        rest = dataclasses.replace(settings, crop=0, flip=False)
        return finish(images, epochs[0], positions, indices, rest)

    elements = tf.data.Dataset.range(np.iinfo(np.int64).max)
    if split.image is None:
        dataset = _parallel(elements, batch)
    else:
        check_sides(settings, split.shape)
        # Files are decoded one by one, in parallel also within a batch.
        images = _parallel(elements.flat_map(examples), decoded)
        dataset = _parallel(images.batch(local, drop_remainder=True), finish_decoded)
    return dataset.prefetch(tf.data.AUTOTUNE)


def evaluation_dataset(
    split: Split, *, batch_size: int, worker: int = 0, workers: int = 1
) -> tf.data.Dataset:
    """One pass in order, in full batches; each example once over all workers.

    Args:
        split: Any part with fixed images.
        batch_size: Of every batch.
        worker: This worker's number; batches are dealt out in turn.
        workers: How many there are. All get the same number of batches.

    Returns:
        Elements `(images uint8 [b, H, W, 3], labels int32 [b], mask bool [b])`. The
        mask is False where an example only fills up the batch.

    Example:
        >>> images = np.zeros((1000, 32, 32, 3), np.uint8)
        >>> split = data.array_split(images, np.arange(1000) % 10)
        >>> batches = data.evaluation_dataset(split, batch_size=300)
        >>> [int(weights.numpy().sum()) for _, _, weights in batches]
        [300, 300, 300, 100]
    """
    if batch_size < 1:
        raise SettingError("batch_size", batch_size, "1 or more")
    labels = tf.constant(split.labels)
    rounds = -(-len(split) // (batch_size * workers))

    def batch(number):
        indices = number * batch_size + tf.range(batch_size, dtype=tf.int64)
        mask = indices < len(split)
        indices = tf.minimum(indices, len(split) - 1)
        images = split.images(indices, tf.constant(0, tf.int64))
        return images, tf.gather(labels, indices), mask

    numbers = tf.data.Dataset.range(worker, rounds * workers, workers)
    return _parallel(numbers, batch).prefetch(tf.data.AUTOTUNE)


def _parallel(dataset: tf.data.Dataset, function) -> tf.data.Dataset:
    # As in a step, where nothing is converted either: it would take half a second.
    function = tf.autograph.experimental.do_not_convert(function)
    return dataset.map(
        function, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True
    )
