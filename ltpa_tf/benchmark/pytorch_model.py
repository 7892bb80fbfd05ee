"""att3-concat-pc in PyTorch: the peer that the benchmarks measure against.

The same graph as `ltpa_tf.models.build("vgg_att3_concat_pc")`, layer by layer in the
same order, so that weights copied across give the same logits (`copy_weights`).
"""

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

CHANNELS = (64, 64, 128, 128, 256, 256, 256) + (512,) * 8
POOLS = {"paper": (7, 10, 13, 14, 15), "vgg_d": (2, 4, 7, 10, 13)}
BATCH_NORM = {"eps": 1e-3, "momentum": 0.1}  # Keras's momentum is 1 minus this one


class Attention(nn.Module):
    """Softmax of `<u, local + global>` over all positions, and the weighted sum."""

    def __init__(self, channels: int):
        super().__init__()
        self.u = nn.Linear(channels, 1, bias=False)

    def forward(self, local: Tensor, global_: Tensor) -> Tensor:
        """The attended descriptor [B, C] of `local` [B, C, H, W]."""
        local = local.flatten(2).transpose(1, 2)  # [B, positions, C]
        scores = self.u(local + global_.unsqueeze(1)).float()
        weights = scores.softmax(dim=1).to(local.dtype)
        return (weights.transpose(1, 2) @ local).squeeze(1)


class AttentionVGG(nn.Module):
    """VGG with attention levels 7, 10 and 13 and one linear layer over their sums.

    Args:
        num_classes: Number of classes.
        width: Multiplies every channel count.
        trunk: `"paper"` (15 convolutions, the first pool after the 7th) or `"vgg_d"`.
        levels: Convolutions whose output is attended, before any pool.
        mean: Per-channel mean of pixels, in 0..255.
        std: Per-channel standard deviation of pixels, in 0..255.
    """

    def __init__(
        self,
        num_classes: int = 100,
        *,
        width: float = 1.0,
        trunk: str = "paper",
        levels: tuple[int, ...] = (7, 10, 13),
        mean: tuple[float, ...] = (0.0, 0.0, 0.0),
        std: tuple[float, ...] = (255.0, 255.0, 255.0),
    ):
        super().__init__()
        count = 15 if trunk == "paper" else 13
        channels = [_scaled(c, width) for c in CHANNELS[:count]]
        self.levels, self.pools = levels, POOLS[trunk]
        self.register_buffer("mean", torch.tensor(mean).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(std).view(1, 3, 1, 1))
        pairs = list(zip([3, *channels], channels, strict=False))
        self.convs = nn.ModuleList(nn.Conv2d(i, o, 3, padding=1) for i, o in pairs)
        self.norms = nn.ModuleList(_norm(nn.BatchNorm2d, c) for c in channels)
        last = channels[-1]
        self.dense = nn.Linear(last, last)
        taps = [channels[level - 1] for level in levels]
        self.projections = nn.ModuleDict(
            {
                str(level): nn.Sequential(
                    _norm(nn.BatchNorm1d, last), nn.ReLU(), nn.Linear(last, c)
                )
                for level, c in zip(levels, taps, strict=True)
                if c != last
            }
        )
        self.attention = nn.ModuleList(Attention(c) for c in taps)
        self.heads = nn.ModuleList(_norm(nn.BatchNorm1d, c) for c in taps)
        self.classifier = nn.Linear(sum(taps), num_classes)

    def forward(self, images: Tensor) -> Tensor:
        """Logits [B, num_classes] of images [B, 3, H, W] with values 0..255."""
        x = (images - self.mean) / self.std
        taps = {}
        blocks = zip(self.convs, self.norms, strict=True)
        for number, (conv, norm) in enumerate(blocks, 1):
            x = functional.relu(norm(conv(x)))
            if number in self.levels:
                taps[number] = x
            if number in self.pools:
                x = functional.max_pool2d(x, 2)
        global_ = self.dense(x.mean((2, 3)))
        descriptors = []
        for level, attention, head in zip(
            self.levels, self.attention, self.heads, strict=True
        ):
            key = str(level)
            projected = (
                self.projections[key](global_) if key in self.projections else global_
            )
            descriptors.append(functional.relu(head(attention(taps[level], projected))))
        return self.classifier(torch.cat(descriptors, dim=1)).float()


def copy_weights(model: AttentionVGG, weights: list[np.ndarray]) -> None:
    """Fills `model` with a Keras model's `get_weights()`.

    Both sides are read in the order in which Keras lists its layers; a count or shape
    that differs raises ValueError, so a copy that succeeds means the same architecture.
    """
    rest = [np.asarray(w) for w in weights]

    def take(target: Tensor, axes: tuple[int, ...] | None = None) -> None:
        if not rest:
            raise ValueError(f"no weight left for {tuple(target.shape)}")
        value = rest.pop(0)
        value = value if axes is None else value.transpose(axes)
        if value.shape != tuple(target.shape):
            raise ValueError(
                f"expected {tuple(target.shape)}. Received: {tuple(value.shape)}"
            )
        target.data.copy_(torch.from_numpy(np.ascontiguousarray(value)))

    def take_norm(norm: nn.Module) -> None:
        for target in (norm.weight, norm.bias, norm.running_mean, norm.running_var):
            take(target)

    def take_linear(linear: nn.Linear) -> None:
        take(linear.weight, (1, 0))
        if linear.bias is not None:
            take(linear.bias)

    for conv, norm in zip(model.convs, model.norms, strict=True):
        take(conv.weight, (3, 2, 0, 1))
        take(conv.bias)
        take_norm(norm)
    take_linear(model.dense)
    for norm, _, linear in model.projections.values():
        take_norm(norm)
        take_linear(linear)
    for attention in model.attention:
        take(attention.u.weight, (1, 0))
    for head in model.heads:
        take_norm(head)
    take_linear(model.classifier)
    if rest:
        raise ValueError(f"{len(rest)} weights left over")


def _norm(kind: type[nn.Module], channels: int) -> nn.Module:
    return kind(channels, **BATCH_NORM)


def _scaled(channels: int, width: float) -> int:
    """As `ltpa_tf.models.trunks.scaled`: multiples of 8 from 16 channels up."""
    target = channels * width
    return 8 * round(target / 8) if target >= 16 else max(1, round(target))
