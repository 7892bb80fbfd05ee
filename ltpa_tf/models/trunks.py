"""Trunks: the convolutions below the attention, and the features each of them makes."""

import dataclasses
from collections.abc import Callable
from typing import NamedTuple

import keras

from ltpa_tf.layers.fast import FastBatchNormalization, FastMaxPooling
from ltpa_tf.layers.initializers import PartialIdentity
from ltpa_tf.layers.padding import ReflectionPadding
from ltpa_tf.layers.preactivation import BATCH_NORM
from ltpa_tf.layers.whitening import Whitening


@dataclasses.dataclass(frozen=True)
class Trunk:
    """A stack of 3x3 convolutions; all numbers count convolutions from 1.

    Attributes:
        channels: Of each convolution, at width 1.
        blocks: Convolutions that close a block; no dropout follows them.
        pools: Convolutions that a 2x2 max pool follows.
        levels: How many of the convolutions can be a level; any behind them only
            prepare the global feature.
        quick: Whether it is made for short trainings, see `trunk_features`.
    """

    channels: tuple[int, ...]
    blocks: tuple[int, ...]
    pools: tuple[int, ...]
    levels: int
    quick: bool = False

    def pools_before(self, level: int, tap: str) -> int:
        """How many pools the features of a level have passed."""
        own = self.quick or tap == "after_pool"
        return sum(p < level or (p == level and own) for p in self.pools)

    def receptive_field(self, level: int, tap: str = "before_pool") -> int:
        """How many pixels a side a feature of a level sees, beyond borders too."""
        size, stride = (2 if self.quick else 1), 1
        for number in range(1, level + 1):
            size += 2 * stride
            own = self.quick or tap == "after_pool"
            if number in self.pools and (number < level or own):
                size, stride = size + stride, 2 * stride
        return size

    def levels_within(
        self, share: float, image: tuple[int, int], tap: str = "before_pool"
    ) -> tuple[int, ...]:
        """The two deepest levels, of different blocks, that see so little of an image.

        Args:
            share: Of the image's area, at most; 0 to 1.
            image: (height, width) in pixels.
            tap: As in `AttentionVGG`.

        Returns:
            One or two levels; level 1 if even that sees more.
        """
        pixels = share * image[0] * image[1]
        small = [
            level
            for level in range(1, self.levels + 1)
            if self.receptive_field(level, tap) ** 2 <= pixels
            and min(image) >> self.pools_before(level, tap) > 1
        ]
        deepest: dict[int, int] = {}
        for level in small:
            deepest[sum(end < level for end in self.blocks)] = level
        return tuple(deepest.values())[-2:] or (1,)


def _vgg(block_sizes: tuple[int, ...]) -> Trunk:
    """A VGG configuration with its pools in place (arXiv 1409.1556, table 1)."""
    block_channels = (64, 128, 256, 512, 512)
    channels = tuple(
        c for c, n in zip(block_channels, block_sizes, strict=True) for _ in range(n)
    )
    ends = tuple(sum(block_sizes[: i + 1]) for i in range(len(block_sizes)))
    return Trunk(channels, blocks=ends, pools=ends, levels=len(channels))


TRUNKS: dict[str, Trunk] = {
    # Learn to Pay Attention: the first two pools of VGG-16 stand behind two additional
    # convolutions, so that level 7 sees the full 32x32 grid.
    "paper": Trunk(
        channels=(64, 64, 128, 128, *3 * (256,), *6 * (512,), 512, 512),
        blocks=(2, 4, 7, 10, 13),
        pools=(7, 10, 13, 14, 15),
        levels=13,
    ),
    "vgg_d": _vgg((2, 2, 3, 3, 3)),
    "vgg_e": _vgg((2, 2, 4, 4, 4)),
    # For short trainings: wide, and the first convolution of each block, the expensive
    # one, stands before the pool, the others behind it (as in airbench, arXiv
    # 2404.00498). 0.78 GMAC for 32x32 images; the paper's has 3.79.
    "fast": Trunk(
        channels=(*3 * (128,), *6 * (512,)),
        blocks=(3, 6, 9),
        pools=(1, 4, 7),
        levels=9,
        quick=True,
    ),
    # Two convolutions a block instead of three, with the widths of airbench95: 0.37
    # GMAC, for the shortest trainings.
    "faster": Trunk(
        channels=(*2 * (128,), *4 * (384,)),
        blocks=(2, 4, 6),
        pools=(1, 3, 5),
        levels=6,
        quick=True,
    ),
}


class Features(NamedTuple):
    """What one convolution passes on, `[B, H, W, C]` each.

    Attributes:
        before_pool: After the ReLU (or SiLU), before dropout and pool.
        after_pool: The pool's output; the same as `before_pool` where none follows, and
            in a quick trunk.
    """

    before_pool: keras.KerasTensor
    after_pool: keras.KerasTensor


def scaled(channels: int, width: float) -> int:
    """`channels * width`, to a multiple of 8 from 16 up, and at least 1."""
    target = channels * width
    return 8 * round(target / 8) if target >= 16 else max(1, round(target))


def trunk_features(
    images: keras.KerasTensor,
    trunk: Trunk,
    *,
    depth: int,
    width: float,
    batch_norm: bool,
    dropout: float,
    padding: str = "zeros",
    first: int = 1,
    prefix: str = "",
    between: Callable[[int, keras.KerasTensor], keras.KerasTensor] | None = None,
    dtype: str | keras.DTypePolicy | None = None,
) -> list[Features]:
    """The features of the first `depth` convolutions of a trunk.

    Each convolution (with bias, MSR fan-out normal weights) is followed by batch norm,
    ReLU and dropout: 0.6 of the rate given after the first, 0.8 of it after the others
    (the paper's 0.3 and 0.4), none after those that close a block.

    A quick trunk learns in a few epochs what the others need many for: the images pass
    a `Whitening` first; SiLU (https://arxiv.org/abs/1702.03118) stands in the place of
    ReLU; convolutions start as a `PartialIdentity`; pools stand before batch norm,
    where they spare it work; and there is no bias that batch norm would only take away
    again.

    Args:
        images: `[B, H, W, channels]`.
        trunk: One of `TRUNKS`.
        depth: How many convolutions to build.
        width: Multiplies every channel count.
        batch_norm: Whether there is batch norm.
        dropout: Rate before linear layers, which those of convolutions go by.
        padding: "zeros" or "reflect", what convolutions see beyond the border.
        first: The convolution to begin with; `images` are then what it takes.
        prefix: Of the layers' names.
        between: Makes of a convolution's number and its features before dropout and
            pool what goes on from there; None: these themselves.
        dtype: Dtype policy of the layers.

    Returns:
        One entry per convolution, from the first one on.
    """
    features = []
    x = images
    if trunk.quick and first == 1:
        x = Whitening(name="whitening", dtype=dtype)(x)
        x = _activated(x, "whitening", trunk, dtype)
    for number, channels in enumerate(trunk.channels[first - 1 : depth], start=first):
        name = f"{prefix}conv{number}"
        if padding == "reflect":
            x = ReflectionPadding(name=f"{name}_padding", dtype=dtype)(x)
        x = keras.layers.Conv2D(
            scaled(channels, width),
            3,
            padding="same" if padding == "zeros" else "valid",
            data_format="channels_last",
            use_bias=not (trunk.quick and batch_norm),
            kernel_initializer=PartialIdentity() if trunk.quick else msr(),
            name=name,
            dtype=dtype,
        )(x)
        has_pool = number in trunk.pools
        if has_pool and trunk.quick:
            x = pooled(x, f"{prefix}pool{number}", dtype)
        if batch_norm:
            x = FastBatchNormalization(**BATCH_NORM, name=f"{name}_bn", dtype=dtype)(x)
        x = before_pool = _activated(x, name, trunk, dtype)
        if between is not None:
            x = between(number, x)
        if dropout and number not in trunk.blocks:
            rate = dropout * (0.6 if number == 1 else 0.8)
            x = keras.layers.Dropout(rate, name=f"{name}_dropout", dtype=dtype)(x)
        after_pool = before_pool
        if has_pool and not trunk.quick:
            x = after_pool = pooled(x, f"{prefix}pool{number}", dtype)
        features.append(Features(before_pool, after_pool))
    return features


def fully_connected(last, channels: int, dropout: float, dtype, prefix: str = ""):
    """The paper's FC-16 of `[B, H, W, C]`: no batch norm, no ReLU.

    Returns:
        The global feature, `[B, channels]`: dropout and a linear layer of the mean over
        positions, of which there is one for images of 32x32.
    """
    g = keras.layers.GlobalAveragePooling2D(
        data_format="channels_last", name=f"{prefix}global_pool", dtype=dtype
    )(last)
    if dropout:
        name = f"{prefix}global_dropout"
        g = keras.layers.Dropout(dropout, name=name, dtype=dtype)(g)
    name = f"{prefix}global_feature"
    return keras.layers.Dense(channels, name=name, dtype=dtype)(g)


def pooled_globally(features, kind: str, dtype):
    """The global feature `[B, C]` of `[B, H, W, C]`: `"gap"` the mean, `"max"`."""
    kinds = {
        "gap": keras.layers.GlobalAveragePooling2D,
        "max": keras.layers.GlobalMaxPooling2D,
    }
    layer = kinds[kind](data_format="channels_last", name="global_feature", dtype=dtype)
    return layer(features)


def msr() -> keras.Initializer:
    """Normal, deviation sqrt(2 / (positions * outputs)): the authors' "MSR fan-out"."""
    return keras.initializers.VarianceScaling(
        2.0, mode="fan_out", distribution="untruncated_normal"
    )


def _activated(x, name, trunk, dtype):
    kind = "silu" if trunk.quick else "relu"
    return keras.layers.Activation(kind, name=f"{name}_{kind}", dtype=dtype)(x)


def pooled(x, name: str, dtype):
    """2x2 max pooled features."""
    return FastMaxPooling(data_format="channels_last", name=name, dtype=dtype)(x)
