"""What every data source gives: `Source`, made of `Split`s."""

import dataclasses
import functools
import hashlib
from collections.abc import Callable, Iterable

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from ltpa_tf.images import DEFAULT, Preprocessing
from ltpa_tf.words import count

NOT_TFDS = ("digits", "folder", "npz", "translated_mnist", "cluttered_mnist")
"""The names under which `load` never looks for a TFDS data set."""

# Mean and deviation need no more than this many images.
_STATISTICS_EXAMPLES = 10_000


@dataclasses.dataclass(frozen=True, eq=False)
class Split:
    """Examples of one part of a data set.

    Attributes:
        labels: int32 [N] class numbers.
        shape: (H, W, 3) of every image.
        images: `images(indices, epoch)` gives uint8 [B, H, W, 3] for integers [B] and
            an integer scalar; pure, and usable in a graph as it is: AutoGraph reads
            neither it nor `image`. Only sources that compose fresh images use `epoch`.
        image: `image(index)` gives one uint8 [H, W, 3], for sources that decode files
            one by one; None where a whole batch is one op.
        array: uint8 [N, H, W, 3] where the images live in memory, else None.
        boxes: int32 [N, 4] - top, left, bottom, right, the last two exclusive - of the
            object in each image, where they are known, else None.
        masks: bool [N, H, W], true on the object, where that is known, else None: an
            array, or of a folder what `np.asarray` makes one of by reading the files.

    Example:
        >>> images = np.zeros((1000, 32, 32, 3), np.uint8)
        >>> split = data.array_split(images, np.arange(1000) % 10)
        >>> split.images(np.arange(4), 0).shape, split.labels[:4]
        (TensorShape([4, 32, 32, 3]), array([0, 1, 2, 3], dtype=int32))
    """

    labels: np.ndarray
    shape: tuple[int, int, int]
    images: Callable[[tf.Tensor, tf.Tensor], tf.Tensor]
    image: Callable[[tf.Tensor], tf.Tensor] | None = None
    array: np.ndarray | None = None
    boxes: np.ndarray | None = None
    masks: npt.ArrayLike | None = None

    def __len__(self) -> int:
        return len(self.labels)

    def __repr__(self) -> str:
        height, width, _ = self.shape
        boxes = "" if self.boxes is None else ", with boxes"
        return f"<Split: {count(len(self), 'image')}, {height}x{width}{boxes}>"

    def spread(self, most: int) -> np.ndarray:
        """Indices of `most` examples from all over it, in its order; all of fewer.

        They are evenly spaced. Where that leaves out half of the classes that could be
        there, as every other example of two that take turns would, each class gives its
        share.
        """
        count = min(len(self), most)
        even = np.arange(count, dtype=np.int64) * len(self) // max(count, 1)
        shares = np.sort(np.argsort(self.labels, kind="stable")[even])
        classes, possible = (len(np.unique(self.labels[i])) for i in (even, shares))
        return shares if 2 * classes <= possible else even

    def subset(self, indices: np.ndarray) -> "Split":
        """The examples at `indices`, in that order; for fixed images."""
        labels = self.labels[indices]
        boxes = None if self.boxes is None else self.boxes[indices]
        masks = None if self.masks is None else self.masks[indices]
        if self.array is not None:
            part = array_split(self.array[indices], labels, boxes)
            return dataclasses.replace(part, masks=masks)
        with tf.device("/CPU:0"):
            chosen = tf.constant(indices, tf.int64)
        part = file_split(
            lambda index: self.image(tf.gather(chosen, index)), labels, self.shape
        )
        return dataclasses.replace(part, boxes=boxes, masks=masks)


@dataclasses.dataclass(frozen=True, eq=False)
class Source:
    """A data set, ready to train on.

    Attributes:
        name: As in `data.name`.
        class_names: One name per class, in the order of the labels.
        image_shape: (H, W, 3).
        train, validation, test: The parts; validation and test may be None. Selection
            (best checkpoint, early stopping, tuning) sees validation only.
        mean, std: Per channel, in units of 0..1, that pixels are normalized by: of
            the training images, unless a run starts from a model that has others.
        fingerprint: SHA-256 that identifies images and labels of all parts.
        preprocessing: How image files became what the model takes.
        skipped: Names of files that were left out, as they can't be used.
        softening: The share of each neighbour that made the test images softer, see
            `data.match_sharpness`; 0: nothing did.
        sharp_test: The test part as it was before.

    Example:
        >>> source = data.load("digits", train_examples=1000)
        >>> source.image_shape, len(source.train), source.class_names[:3]
        ((32, 32, 3), 1000, ('0', '1', '2'))
    """

    name: str
    class_names: tuple[str, ...]
    image_shape: tuple[int, int, int]
    train: Split
    validation: Split | None
    test: Split | None
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    fingerprint: str
    preprocessing: Preprocessing = DEFAULT
    skipped: tuple[str, ...] = ()
    softening: float = 0.0
    sharp_test: Split | None = None

    def __repr__(self) -> str:
        parts = ("train", "validation", "test")
        there = ((part, getattr(self, part)) for part in parts)
        sizes = ", ".join(f"{part} {len(one):,}" for part, one in there if one)
        classes = count(len(self.class_names), "class", "classes")
        height, width, _ = self.image_shape
        return f"<Source {self.name!r}: {classes}, {height}x{width}; {sizes}>"


def array_split(
    array: np.ndarray, labels: np.ndarray, boxes: np.ndarray | None = None
) -> Split:
    """A split whose images are in memory, uint8 [N, H, W, 3].

    Example:
        >>> images = np.zeros((6, 32, 32, 3), np.uint8)
        >>> data.array_split(images, np.array([0, 0, 0, 1, 1, 1]))
        <Split: 6 images, 32x32>
    """

    @functools.cache
    def resident() -> tf.Tensor:
        # Outside of every graph: captured by reference, so never copied into one.
        with tf.init_scope(), tf.device("/CPU:0"):
            return tf.convert_to_tensor(array)

    def images(indices, epoch):
        del epoch
        return tf.gather(resident(), indices)

    return Split(
        np.asarray(labels, np.int32), array.shape[1:], images, array=array, boxes=boxes
    )


def file_split(
    image: Callable[[tf.Tensor], tf.Tensor], labels: np.ndarray, shape: tuple[int, ...]
) -> Split:
    """A split whose images, all of one shape, are decoded when they are needed."""

    def images(indices, epoch):
        del epoch
        return tf.map_fn(
            image, indices, fn_output_signature=tf.TensorSpec(shape, tf.uint8)
        )

    return Split(np.asarray(labels, np.int32), shape, images, image=image)


def statistics(images: np.ndarray) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and standard deviation per channel, in units of 0..1.

    Counted in integers, so the same on every machine. Large sets are sampled evenly.

    Args:
        images: uint8 [N, H, W, 3].
    """
    images = images[:: -(-len(images) // _STATISTICS_EXAMPLES)]
    values = np.arange(256) / 255
    mean, std = [], []
    for channel in range(3):
        counts = np.bincount(images[..., channel].ravel(), minlength=256)
        average = float(counts @ values / counts.sum())
        variance = float(counts @ (values - average) ** 2 / counts.sum())
        mean.append(round(average, 6))
        # An image set without contrast must not be divided by 0.
        std.append(round(max(variance**0.5, 1 / 255), 6))
    return tuple(mean), tuple(std)


def fingerprint(*parts: str | np.ndarray | Iterable[str | bytes]) -> str:
    """SHA-256 over texts and arrays (shape, dtype and values), in order."""
    digest = hashlib.sha256()
    for part in parts:
        if isinstance(part, np.ndarray):
            digest.update(f"{part.dtype} {part.shape}\n".encode())
            digest.update(np.ascontiguousarray(part).data)
            continue
        for item in [part] if isinstance(part, str) else part:
            item = item.encode() if isinstance(item, str) else item
            digest.update(f"{len(item)}\n".encode())
            digest.update(item)
    return digest.hexdigest()
