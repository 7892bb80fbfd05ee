"""Training steps and inference against the PyTorch peer, in turn, in one run.

    python -m benchmarks.step                              # a GPU: bf16, batch 512
    taskset -c 0,1 python -m benchmarks.step --threads=2   # two cores: float32

Contenders run in processes of their own and take turns; the table shows the best and
the median round. PyTorch may live in another environment: `--peer_python`. Images are
random unless `--data` names an npz file with x_train, y_train, x_test, y_test. Every
figure is appended to `--out`, a JSON line per contender.
"""

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks.rounds import Contender, alternate, table

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


def main() -> None:
    """Runs the tasks one after the other."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tasks", default="", help="of train,infer32,infer1")
    parser.add_argument("--data", default="", help="an npz file; default random images")
    parser.add_argument("--batch", type=int, default=0, help="of training")
    parser.add_argument("--width", type=float, default=1.0)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=0, help="per round, random images")
    parser.add_argument("--threads", type=int, default=0, help="above 0: on the CPU")
    parser.add_argument("--peers", default="", help="of those that are known; all")
    parser.add_argument("--peer_python", default=sys.executable)
    parser.add_argument("--out", default="", help="file for JSON lines")
    options = parser.parse_args()
    on_cpu = options.threads > 0
    tasks = options.tasks or ("train,infer32,infer1" if on_cpu else "train")
    for task in tasks.split(","):
        measure(task, options, on_cpu)


def measure(task: str, options: argparse.Namespace, on_cpu: bool) -> None:
    """Measures one task and prints its table."""
    training = task == "train"
    batch = (options.batch or (32 if on_cpu else 512)) if training else int(task[5:])
    steps = options.steps or (100 if not on_cpu else 2 if training else 320 // batch)
    peers = CPU_PEERS if on_cpu else GPU_PEERS
    names = options.peers.split(",") if options.peers else list(peers)
    with tempfile.TemporaryDirectory() as folder:
        common = [
            f"--task={'train' if training else 'infer'}",
            f"--data={options.data or random_images(folder, batch * steps)}",
            f"--batch={batch}",
            f"--steps={steps}",
            f"--width={options.width}",
            f"--threads={options.threads}",
            f"--precision={'fp32' if on_cpu else 'bf16'}",
        ]
        hidden = {"CUDA_VISIBLE_DEVICES": "-1"} if on_cpu else {}
        contenders = [
            contender(name, sys.executable, "ours", common, hidden, OURS)
            for name in (["ltpa_tf"] if training else OURS)
        ]
        contenders += [
            contender(name, options.peer_python, "pytorch_peer", common, hidden, peers)
            for name in names
        ]
        summaries = alternate(contenders, options.rounds)
    print(f"\n{task}, batch {batch}, width {options.width}")
    print(table(summaries, references=tuple(peers)))
    if options.out:
        with Path(options.out).open("a", encoding="utf-8") as lines:
            for summary in summaries:
                record = {"task": task, "time": time.time(), **summary}
                lines.write(json.dumps(record) + "\n")


def contender(name, python, module, common, environment, own) -> Contender:
    """A contender; `rounds.alternate` starts it."""
    command = [python, "-m", f"benchmarks.{module}", *common]
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
    main()
