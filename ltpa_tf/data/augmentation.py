"""Augmentation of whole batches, as a pure function of (seed, epoch, position, index).

Everything is integer arithmetic on uint8 images, with numbers from
`ltpa_tf.data.hashing`: the result is bitwise the same eagerly, in tf.data, on a GPU
and under XLA, and does not depend on how the global batch is cut into shards.

Keras's layers (`MixUp`, `CutMix`, `RandomCrop`) draw from a generator that counts their
calls: a run that was killed and goes on would begin its draws anew, and replicas would
each draw for their own part.
"""

import dataclasses
from typing import TYPE_CHECKING

import numpy as np
import tensorflow as tf

from ltpa_tf.data import hashing
from ltpa_tf.data.hashing import Integer
from ltpa_tf.data.randaugment import randaugment
from ltpa_tf.data.resized_crop import resized_crop
from ltpa_tf.data.sharpness import sharpen
from ltpa_tf.errors import SettingError

if TYPE_CHECKING:
    from ml_collections import ConfigDict

_GREY = 128
# What the hashed numbers are for.
_SHIFT, _CUTOUT, _STRENGTH, _CUT, _FLIP, _SHARE = range(0xA063, 0xA063 + 6)
# Quantiles of the Beta distribution that are told apart.
_QUANTILES = 1024


@dataclasses.dataclass(frozen=True)
class Augmentation:
    """What `augment` does, in this order; the default is nothing.

    Attributes:
        crop: Shift by up to this many pixels each way, borders reflected.
        flip: Mirror left-right, each image in every other epoch: half of the images in
            any epoch, and in two epochs both sides of each, which random mirroring
            shows in half of the cases only (section 3.6 of
            https://arxiv.org/abs/2404.00498).
        flip_anew: With `flip`: mirror one of each two neighbours in a batch instead,
            drawn anew in every epoch, so exactly half of each batch of even size.
        least_area: Take a random part of each image, of this share of its area or more,
            a third wider or higher at most, and enlarge it; 0 = off.
        sharpness: Multiply each image's detail, the difference to a smoothed image, by
            a factor between 1 / (1 + sharpness) and 1 + sharpness.
        randaugment_layers: Random operations per image (RandAugment's N).
        randaugment_magnitude: Their strength, 0 to 10 (RandAugment's M).
        cutout: Side in pixels of one grey square per image, centred anywhere.
        cutmix: CutMix's alpha: a box of the neighbour's image; its area is
            Beta(alpha, alpha) distributed and the labels are mixed by it.
        cutmix_share: The share of images that CutMix changes, drawn for each alone.
        mixup: MixUp's alpha: a weighted sum with the neighbour's image, the weight
            Beta(alpha, alpha) distributed. Only one of CutMix and MixUp.

    References:
        Cutout https://arxiv.org/abs/1708.04552, MixUp https://arxiv.org/abs/1710.09412,
        CutMix https://arxiv.org/abs/1905.04899,
        RandAugment https://arxiv.org/abs/1909.13719.

    Example:
        >>> data.Augmentation(crop=4, flip=True).crop
        4
    """

    crop: int = 0
    flip: bool = False
    flip_anew: bool = False
    least_area: float = 0.0
    sharpness: float = 0.0
    cutout: int = 0
    cutmix: float = 0.0
    cutmix_share: float = 1.0
    mixup: float = 0.0
    randaugment_layers: int = 0
    randaugment_magnitude: int = 0

    def __post_init__(self):
        for field in dataclasses.fields(self):
            if getattr(self, field.name) < 0:
                raise SettingError(
                    f"augment.{field.name}", getattr(self, field.name), "0 or more"
                )
        if self.cutmix and self.mixup:
            raise SettingError(
                "augment.mixup", self.mixup, f"0 while cutmix is {self.cutmix}"
            )
        for name in ("cutmix_share", "least_area"):
            if getattr(self, name) > 1:
                raise SettingError(f"augment.{name}", getattr(self, name), "0 to 1")
        if self.randaugment_magnitude > 10:
            raise SettingError(
                "augment.randaugment_magnitude", self.randaugment_magnitude, "0 to 10"
            )

    @property
    def moves(self) -> bool:
        """Whether images are shifted or mirrored."""
        return bool(self.crop or self.flip)

    @property
    def mixes(self) -> bool:
        """Whether images are mixed with their neighbours."""
        return bool(self.cutmix or self.mixup)


def augment(
    images: tf.Tensor,
    labels: tf.Tensor,
    *,
    seed: Integer,
    epoch: Integer,
    positions: tf.Tensor,
    indices: tf.Tensor,
    settings: Augmentation,
) -> tuple[tf.Tensor, tf.Tensor]:
    """Augments a batch, or a shard of one.

    Args:
        images: uint8 [B, H, W, 3]; H and W static.
        labels: float32 [B, K], one-hot.
        seed: Integer or scalar integer tensor.
        epoch: Integer or scalar integer tensor.
        positions: Integers [B], the places of the examples in their epoch. For CutMix
            and MixUp the examples at 2k and 2k+1 are neighbours and must stand side by
            side.
        indices: Integers [B], which examples of the split they are.
        settings: What to do.

    Returns:
        uint8 [B, H, W, 3] images and float32 [B, K] labels.

    Raises:
        SettingError: When the settings don't fit the images.

    Example:
        >>> images, labels = data.augment(
        ...     np.zeros((8, 32, 32, 3), np.uint8),
        ...     tf.eye(8, 10),
        ...     seed=0,
        ...     epoch=0,
        ...     positions=np.arange(8),
        ...     indices=np.arange(8),
        ...     settings=data.Augmentation(crop=4, flip=True),
        ... )
        >>> images.shape, labels.shape
        (TensorShape([8, 32, 32, 3]), TensorShape([8, 10]))
    """

    def draw(purpose, lanes=1):
        return hashing.random_bits(seed, epoch, positions, purpose, lanes)

    if settings.moves:
        check_sides(settings, images.shape)
        how = moves(
            settings, seed=seed, epoch=epoch, positions=positions, indices=indices
        )
        images = _crop_and_flip(images, *how)
    if settings.least_area:
        images = resized_crop(images, settings.least_area, draw)
    if settings.sharpness:
        images = sharpen(images, settings.sharpness, draw)
    if settings.randaugment_layers:
        images = randaugment(
            images, settings.randaugment_layers, settings.randaugment_magnitude, draw
        )
    if settings.cutout:
        images = _cutout(images, settings.cutout, draw)
    if settings.mixes and images.shape[0] is not None and images.shape[0] % 2:
        raise SettingError(
            "augment.cutmix" if settings.cutmix else "augment.mixup",
            settings.cutmix or settings.mixup,
            f"0 for an odd number of examples per replica, here {images.shape[0]}",
        )
    if settings.cutmix:
        return _cutmix(images, labels, settings, draw)
    if settings.mixup:
        return _mixup(images, labels, settings.mixup, draw)
    return images, labels


def moves(
    settings: Augmentation,
    *,
    seed: Integer,
    epoch: Integer,
    positions: tf.Tensor,
    indices: tf.Tensor,
) -> tuple[tf.Tensor, tf.Tensor]:
    """How `augment` crops and flips; its arguments.

    Returns:
        int32 [B, 2], the shift down and right, and bool [B], whether to mirror then.
    """
    bits = hashing.random_bits(seed, epoch, positions, _SHIFT, lanes=2)
    shift = hashing.below(bits, 2 * settings.crop + 1) - settings.crop
    if settings.flip_anew:  # of the neighbours at 2k and 2k + 1 one
        side = hashing.random_bits(seed, epoch, positions // 2, _FLIP)[:, 0]
        turn = tf.cast(positions % 2, tf.int32)
    else:  # the first epoch's side is the image's own, for good
        side = hashing.random_bits(seed, 0, indices, _FLIP)[:, 0]
        turn = tf.cast(epoch, tf.int32)
    turned = (hashing.below(side, 2) + turn) % 2 == 1
    return shift, turned & settings.flip


def move_one(image: tf.Tensor, shift: tf.Tensor, mirrored: tf.Tensor) -> tf.Tensor:
    """Crops and flips one image [H, W, 3] exactly as `augment` does a batch.

    By slices: on a CPU, outside XLA, large images are moved several times faster so
    than pixel by pixel in the gather of a batch.
    """
    height, width, _ = image.shape
    down, right = tf.unstack(shift)
    image = tf.gather(image, _reflected(tf.range(height) + down, height))
    before, beyond = tf.maximum(-right, 0), tf.maximum(right, 0)
    image = tf.concat(
        [
            tf.reverse(image[:, 1 : before + 1], [1]),
            image[:, beyond : width - before],
            tf.reverse(image[:, width - 1 - beyond : width - 1], [1]),
        ],
        axis=1,
    )
    image = tf.cond(mirrored, lambda: tf.reverse(image, [1]), lambda: image)
    return tf.ensure_shape(image, (height, width, 3))


def check_sides(
    settings: "Augmentation | ConfigDict", shape: tuple[int, ...] | tf.TensorShape
) -> None:
    """Refuses what reaches over a whole image: a crop, a square of cutout.

    Args:
        settings: These, or a config's section `augment`.
        shape: [..., H, W, C] of the images.

    Raises:
        SettingError: Naming the setting.
    """
    height, width = shape[-3:-1]
    size = f"the image, {height}x{width}"
    if settings.crop >= min(height, width):
        raise SettingError("augment.crop", settings.crop, f"less than {size}")
    if settings.cutout > max(height, width):
        raise SettingError("augment.cutout", settings.cutout, f"no more than {size}")


def _crop_and_flip(images, shift, mirrored) -> tf.Tensor:
    """Reflect-pad, crop and mirror, as one gather over the whole batch."""
    _, height, width, channels = images.shape
    column = tf.range(width)[None]
    column = tf.where(mirrored[:, None], width - 1 - column, column)
    row = _reflected(tf.range(height)[None] + shift[:, :1], height)
    column = _reflected(column + shift[:, 1:], width)
    image = tf.range(tf.shape(images)[0])[:, None]
    row = (image * height + row) * width
    pixels = tf.gather(
        tf.reshape(images, [-1, channels]), row[:, :, None] + column[:, None, :]
    )
    return tf.ensure_shape(pixels, images.shape)


def _reflected(index, size: int) -> tf.Tensor:
    """Mirrors indices beyond the borders; the border itself is not repeated."""
    return (size - 1) - tf.abs((size - 1) - tf.abs(index))


def _cutout(images, side: int, draw) -> tf.Tensor:
    batch = tf.shape(images)[0]
    inside, _ = _box(images.shape, tf.fill([batch, 2], side), draw(_CUTOUT, 2))
    return tf.where(inside, tf.constant(_GREY, images.dtype), images)


def _cutmix(images, labels, settings, draw) -> tuple[tf.Tensor, tf.Tensor]:
    _, height, width, _ = images.shape
    side = np.sqrt(1 - _beta_quantiles(settings.cutmix))[:, None] * [height, width]
    sides = tf.gather(side.astype(np.int32), _quantile(draw))
    if settings.cutmix_share < 1:
        drawn = hashing.below(draw(_SHARE)[:, 0], _QUANTILES)
        chosen = drawn < round(settings.cutmix_share * _QUANTILES)
        sides = tf.where(chosen[:, None], sides, 0)  # a box of no pixel
    inside, area = _box(images.shape, sides, draw(_CUT, 2))
    images = tf.where(inside, _neighbours(images), images)
    # A product, because XLA turns a division by a constant into one.
    share = tf.cast(area, tf.float32) * np.float32(1 / (height * width))
    return images, labels * (1 - share) + _neighbours(labels) * share


def _mixup(images, labels, alpha: float, draw) -> tuple[tf.Tensor, tf.Tensor]:
    weights = np.rint(256 * _beta_quantiles(alpha)).astype(np.int32)
    weight = tf.gather(weights, _quantile(draw))[:, None]
    own, other = (tf.cast(x, tf.int32) for x in (images, _neighbours(images)))
    mixed = other * 256 + weight[..., None, None] * (own - other) + 128
    images = tf.cast(tf.bitwise.right_shift(mixed, 8), images.dtype)
    share = tf.cast(weight, tf.float32) / 256
    return images, labels * share + _neighbours(labels) * (1 - share)


def _box(shape, sides, bits) -> tuple[tf.Tensor, tf.Tensor]:
    """A box per image with its centre anywhere, cut off at the borders.

    Args:
        shape: Of the images, [B, H, W, C].
        sides: int32 [B, 2], height and width before cutting off.
        bits: uint32 [B, 2].

    Returns:
        bool [B, H, W, 1], where it is, and int32 [B, 1], how many pixels.
    """
    first = hashing.below(bits, shape[1:3]) - sides // 2
    last = tf.minimum(first + sides, shape[1:3])
    first = tf.maximum(first, 0)
    row, column = tf.range(shape[1])[None], tf.range(shape[2])[None]
    rows = (row >= first[:, :1]) & (row < last[:, :1])
    columns = (column >= first[:, 1:]) & (column < last[:, 1:])
    inside = rows[:, :, None, None] & columns[:, None, :, None]
    return inside, tf.reduce_prod(last - first, 1, keepdims=True)


def _neighbours(x: tf.Tensor) -> tf.Tensor:
    """[B, ...] with 2k and 2k+1 exchanged."""
    pairs = tf.reshape(x, [-1, 2, *x.shape[1:]])
    return tf.reshape(tf.reverse(pairs, [1]), tf.shape(x))


def _quantile(draw) -> tf.Tensor:
    return hashing.below(draw(_STRENGTH)[:, 0], _QUANTILES)


def _beta_quantiles(alpha: float) -> np.ndarray:
    """Equally probable values of Beta(alpha, alpha), float64 [quantiles]."""
    from scipy.special import betaincinv

    return betaincinv(alpha, alpha, (np.arange(_QUANTILES) + 0.5) / _QUANTILES)
