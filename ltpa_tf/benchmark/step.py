"""Training steps and inference against the PyTorch peer, in turn, in one run.

    python -m ltpa_tf.benchmark.step                            # a GPU: bf16, 512
    taskset -c 0,1 python -m ltpa_tf.benchmark.step --threads=2   # two cores: float32

Contenders run in processes of their own and take turns; the table shows the best and
the median round. PyTorch may live in another environment: `--peer_python`. Images are
random unless `--data` names an npz file with x_train, y_train, x_test, y_test. All
results are appended to `--out`, a JSON line per contender.
"""

import re
import shutil
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from absl import flags

from ltpa_tf import compile_cache
from ltpa_tf.benchmark import common
from ltpa_tf.benchmark.rounds import Contender, alternate, table
from ltpa_tf.errors import SettingError
from ltpa_tf.programs import program

_TASKS = flags.DEFINE_list(
    "tasks", None, "train, and infer with the images in a batch; all, or on a GPU train"
)
_DATA = flags.DEFINE_string("data", None, "An npz file; default random images.")
_BATCH = flags.DEFINE_integer("batch", None, "Of training.", lower_bound=1)
_WIDTH = flags.DEFINE_float(
    "width", 1.0, "Multiplies channel counts.", lower_bound=0.01
)
_ROUNDS = flags.DEFINE_integer("rounds", 5, "Turns of each contender.", lower_bound=1)
_STEPS = flags.DEFINE_integer(
    "steps", None, "Per round, on random images.", lower_bound=1
)
_THREADS = flags.DEFINE_integer("threads", 0, "Above 0: on the CPU.", lower_bound=0)
_PEERS = flags.DEFINE_list("peers", None, "Of those that are known; all.")
_PEER_PYTHON = flags.DEFINE_string("peer_python", sys.executable, "Has PyTorch.")
_OUT = flags.DEFINE_string("out", None, "A file to add lines of JSON to.")

# The peer on a GPU, from how models are published to all that torch.compile can do.
GPU_PEERS = {
    "torch published": ["--mode=eager", "--layout=contiguous", "--precision=tf32"],
    "torch compiled": ["--mode=default"],
    "torch reduce-overhead": ["--mode=reduce-overhead"],
    "torch max-autotune": ["--mode=max-autotune"],
}
# Training is the same for both.
OURS = {"ltpa_tf": [], "ltpa_tf onnx": ["--runtime=onnx"]}
CPU_PEERS = {
    "torch": ["--mode=eager", "--layout=contiguous"],
    "torch channels_last": ["--mode=eager", "--layout=channels_last"],
}


def main(argv: Sequence[str]) -> int:
    """Runs the tasks one after the other; 1 if a contender didn't come through."""
    del argv
    on_cpu = _THREADS.value > 0
    tasks = _TASKS.value or (["train", "infer32", "infer1"] if on_cpu else ["train"])
    peers = CPU_PEERS if on_cpu else GPU_PEERS
    names = _PEERS.value or list(peers)
    _check(tasks, names, peers)
    if not on_cpu:
        compile_cache.enable()  # contenders inherit it
    chosen = {name: peers[name] for name in names}
    complete = [measure(task, chosen, on_cpu) for task in tasks]
    return 0 if all(complete) else 1


def measure(task: str, peers: Mapping[str, Sequence[str]], on_cpu: bool) -> bool:
    """Measures one task and prints its table; whether all contenders are in it."""
    training = task == "train"
    batch = (_BATCH.value or (32 if on_cpu else 512)) if training else int(task[5:])
    few = 2 if training else max(1, 320 // batch)
    steps = _STEPS.value or (few if on_cpu else 100)
    python = _PEER_PYTHON.value
    with tempfile.TemporaryDirectory() as folder:
        settings = [
            f"--task={'train' if training else 'infer'}",
            f"--data={_DATA.value or random_images(folder, batch * steps)}",
            f"--batch={batch}",
            f"--steps={steps}",
            f"--width={_WIDTH.value}",
            f"--threads={_THREADS.value}",
            f"--precision={'fp32' if on_cpu else 'bf16'}",
        ]
        hidden = {"CUDA_VISIBLE_DEVICES": "-1"} if on_cpu else {}
        contenders = [
            contender(name, sys.executable, "ours", settings, hidden, OURS)
            for name in (["ltpa_tf"] if training else OURS)
        ]
        contenders += [
            contender(name, python, "pytorch_peer", settings, hidden, peers)
            for name in peers
        ]
        summaries = alternate(contenders, _ROUNDS.value)
    print(f"\n{task}, batch {batch}, width {_WIDTH.value}")
    print(table(summaries, references=tuple(peers)))
    for summary in summaries:
        record = {"task": task, "time": time.time(), **summary}
        common.add_line(_OUT.value, record)
    return len(summaries) == len(contenders)


def _check(tasks: Sequence[str], names: Sequence[str], peers: Mapping) -> None:
    for task in tasks:
        if not re.fullmatch(r"train|infer[1-9]\d*", task):
            raise SettingError("--tasks", task, "train, infer1, infer2 and so on")
    common.check_names("--peers", names, peers)
    if _DATA.value and not Path(_DATA.value).is_file():
        raise SettingError("--data", _DATA.value, "an npz file that exists")
    if shutil.which(_PEER_PYTHON.value) is None:
        raise SettingError("--peer_python", _PEER_PYTHON.value, "a Python to run")
    common.check_out(_OUT.value)


def contender(name, python, module, settings, environment, own) -> Contender:
    """A contender; `rounds.alternate` starts it."""
    command = [python, "-m", f"ltpa_tf.benchmark.{module}", *settings]
    return Contender(name, command + own[name], environment)


def random_images(folder: str, count: int) -> str:
    """An npz file of `count` random 32x32 images of 100 classes."""
    generator = np.random.default_rng(0)
    count = max(count, 200)
    file = f"{folder}/images.npz"
    np.savez(
        file,
        x_train=generator.integers(0, 256, (count, 32, 32, 3), dtype=np.uint8),
        y_train=np.arange(count) % 100,
        x_test=generator.integers(0, 256, (100, 32, 32, 3), dtype=np.uint8),
        y_test=np.arange(100),
    )
    return file


if __name__ == "__main__":
    program.run(main, tensorflow=False)
