"""The PyTorch side of `step.py`: one contender process.

Written to win: data on the device as uint8, crop and flip as one gather over a batch,
channels_last, bfloat16 autocast, cuDNN autotuning, fused Nesterov SGD, torch.compile
with CUDA graphs where the mode has them. `--mode=eager --layout=contiguous` is how such
models are commonly published.
"""

import argparse
import time

import numpy as np
import torch
from torch.nn import functional

from ltpa_tf.benchmark.pytorch_model import AttentionVGG
from ltpa_tf.benchmark.rounds import Turn

CROP = 4


class Data:
    """All images on the device; batches are cut out of a random order.

    Args:
        file: npz with `x_train` uint8 [N, H, W, 3] and `y_train` [N].
        device: Where the images live.
    """

    def __init__(self, file: str, device: torch.device):
        with np.load(file) as arrays:
            images, labels = arrays["x_train"], arrays["y_train"]
        self.mean = images.mean((0, 1, 2)).tolist()
        self.std = images.std((0, 1, 2)).tolist()
        self.classes = int(labels.max()) + 1
        self.images = torch.from_numpy(images).to(device)
        self.labels = torch.from_numpy(labels.astype(np.int64).ravel()).to(device)

    def batches(self, size: int):
        """Index tensors of one epoch, the incomplete last batch left out."""
        order = torch.randperm(len(self.labels), device=self.labels.device)
        return order[: len(order) // size * size].view(-1, size)


def augmented(images, index):
    """A random crop from reflected borders and a random flip of `images[index]`."""
    size, batch, device = images.shape[1], len(index), images.device
    shift = torch.randint(-CROP, CROP + 1, (2, batch, 1), device=device)
    flip = torch.randint(0, 2, (batch, 1), device=device, dtype=torch.bool)
    place = torch.arange(size, device=device)[None]
    rows, columns = place + shift[0], torch.where(flip, size - 1 - place, place)
    columns = columns + shift[1]
    rows, columns = (size - 1 - (size - 1 - x.abs()).abs() for x in (rows, columns))
    picked = images[index[:, None, None], rows[:, :, None], columns[:, None, :]]
    return picked.permute(0, 3, 1, 2)  # channels_last, as the data lies in memory


class Training:
    """One epoch of training per round."""

    def __init__(self, data: Data, options: argparse.Namespace, device: torch.device):
        self._data, self._options, self._device = data, options, device
        self._model = _model(data, options, device).train()
        self._optimizer = torch.optim.SGD(
            self._model.parameters(),
            lr=0.01,
            momentum=0.9,
            nesterov=True,
            weight_decay=5e-4,
            fused=options.mode != "eager",
        )
        self._forward = _compiled(self._loss, options.mode)

    def __call__(self) -> dict:
        """One round."""
        batches = self._data.batches(self._options.batch)
        _synchronize(self._device)
        start = time.perf_counter()
        total = torch.zeros((), device=self._device)
        for index in batches:
            total += self.step(index)
        mean_loss = total.item() / len(batches)  # waits for the device
        seconds = time.perf_counter() - start
        return {"seconds": seconds, "images": batches.numel(), "loss": mean_loss}

    def step(self, index) -> torch.Tensor:
        """One update; returns the loss."""
        # Outside of what is compiled: a few small kernels, nothing to be gained.
        images = augmented(self._data.images, index)
        if self._options.layout == "contiguous":
            images = images.contiguous()
        loss = self._forward(images, self._data.labels[index])
        loss.backward()
        self._optimizer.step()
        self._optimizer.zero_grad(set_to_none=True)
        return loss.detach()

    def warm_up(self) -> None:
        """Compiles and tunes."""
        for index in self._data.batches(self._options.batch)[: self._options.warm_up]:
            self.step(index)
        _synchronize(self._device)

    def _loss(self, images, labels):
        with _autocast(self._options, self._device):
            logits = self._model(images)
        return functional.cross_entropy(logits, labels, label_smoothing=0.1)


class Inference:
    """`--steps` batches per round, images already floating point on the device."""

    def __init__(self, data: Data, options: argparse.Namespace, device: torch.device):
        self._options, self._device = options, device
        self._model = _model(data, options, device).eval()
        images = data.images[: options.batch].permute(0, 3, 1, 2).float()
        self._images = images.contiguous(memory_format=_layout(options))
        self._forward = _compiled(self._logits, options.mode)

    def __call__(self) -> dict:
        """One round."""
        start = time.perf_counter()
        for _ in range(self._options.steps):
            self._forward(self._images).cpu()
        seconds = time.perf_counter() - start
        return {"seconds": seconds, "images": self._options.steps * len(self._images)}

    def warm_up(self) -> None:
        """Compiles and tunes."""
        for _ in range(self._options.warm_up):
            self._forward(self._images).cpu()

    @torch.inference_mode()
    def _logits(self, images):
        with _autocast(self._options, self._device):
            return self._model(images)


def main() -> None:
    """Speaks with the parent process, see `rounds.Turn`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--task", choices=("train", "infer"), default="train")
    parser.add_argument("--data", required=True, help="npz: x_train, y_train")
    parser.add_argument("--batch", type=int, default=512)
    parser.add_argument("--steps", type=int, default=10, help="per round (infer)")
    parser.add_argument("--warm_up", type=int, default=5, help="steps before round 1")
    parser.add_argument("--width", type=float, default=1.0)
    parser.add_argument("--precision", choices=("bf16", "tf32", "fp32"), default="bf16")
    parser.add_argument(
        "--layout", choices=("channels_last", "contiguous"), default="channels_last"
    )
    parser.add_argument("--threads", type=int, default=0, help="on a CPU; 0: all")
    parser.add_argument(
        "--mode",
        choices=(
            "eager",
            "default",
            "reduce-overhead",
            "max-autotune",
            "max-autotune-no-cudagraphs",
        ),
        default="max-autotune",
        help="eager, or a mode of torch.compile",
    )
    options = parser.parse_args()
    turn = Turn()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if options.threads:
        torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    torch.backends.cudnn.benchmark = True
    torch.set_float32_matmul_precision(
        "highest" if options.precision == "fp32" else "high"
    )
    torch.backends.cudnn.allow_tf32 = options.precision != "fp32"

    start = time.perf_counter()
    kind = Training if options.task == "train" else Inference
    work = kind(Data(options.data, device), options, device)
    work.warm_up()
    turn.say(
        software=f"torch {torch.__version__}",
        device=torch.cuda.get_device_name() if device.type == "cuda" else "cpu",
        options=vars(options),
        ready_seconds=round(time.perf_counter() - start, 1),
    )
    turn.take(lambda: {**work(), **_memory(device)})


def _model(data, options, device):
    model = AttentionVGG(
        data.classes, width=options.width, mean=data.mean, std=data.std
    )
    return model.to(device, memory_format=_layout(options))


def _layout(options):
    last = options.layout == "channels_last"
    return torch.channels_last if last else torch.contiguous_format


def _autocast(options, device):
    enabled = options.precision == "bf16"
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=enabled)


def _compiled(function, mode: str):
    return function if mode == "eager" else torch.compile(function, mode=mode)


def _synchronize(device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize()


def _memory(device) -> dict:
    if device.type != "cuda":
        return {}
    return {"peak_memory_gb": round(torch.cuda.max_memory_reserved() / 1e9, 2)}


if __name__ == "__main__":
    main()
