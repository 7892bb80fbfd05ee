r"""Accuracy and seconds of a config over several seeds, one compiled step for all.

    python -m ltpa_tf.benchmark.time_to_accuracy --seeds=5 \
        --config=configs/cifar100_fast.py

A seed means other initial weights, order and augmentation. Timed is training, from the
first step to the last one's end, and the statistics for averaged weights if there is an
average; compiling (once, reported beside it), loading data, drawing initial weights and
testing are not. Nothing is selected: tested once, after the last step.

`--peer` runs a public PyTorch script before, as often, on the same images and device:
airbench's or one that prints the same table, from wherever you have it.

    git clone https://github.com/KellerJordan/cifar10-airbench
    python -m ltpa_tf.benchmark.time_to_accuracy --config=configs/cifar10_fast.py \
        --peer=cifar10-airbench/legacy/airbench95.py --peer_python=PYTHON

It tests with six views of an image; `six views` are the same ones. A script's seconds
are its own: airbench's hold the test with six views, and no compiling. It takes one
GPU, a config all there are: `CUDA_VISIBLE_DEVICES=0` leaves one to both.

Settings are chosen on images held out from training, never on the test part: with
`--config.data.validation_examples=5000` the accuracies are those of that many.
"""

import sys
from collections.abc import Mapping, Sequence

from absl import flags

from ltpa_tf.benchmark import common
from ltpa_tf.programs import program

_CONFIG = program.define_config()
_SEEDS = flags.DEFINE_integer(
    "seeds", 5, "How many seeds, counted from 0.", lower_bound=1
)
_PEER = flags.DEFINE_string(
    "peer", None, "A public training script, or a folder with one; run as it is."
)
_PEER_PYTHON = flags.DEFINE_string("peer_python", sys.executable, "Has PyTorch.")
_OUT = flags.DEFINE_string("out", None, "A file that gets a line of JSON.")


def main(argv: Sequence[str]) -> None:
    """Trains every seed and prints a line for each, then the mean."""
    del argv
    import keras
    import tensorflow as tf

    from ltpa_tf import distribution
    from ltpa_tf.benchmark import public_script
    from ltpa_tf.config import validate
    from ltpa_tf.results import seed_trainer

    config = _CONFIG.value
    validate(config)
    common.check_out(_OUT.value)
    peer = _PEER.value and public_script.find_script(_PEER.value, _PEER_PYTHON.value)
    if peer:  # or TensorFlow might take all memory with its first operation
        for gpu in tf.config.list_physical_devices("GPU"):
            tf.config.experimental.set_memory_growth(gpu, True)
    source = seed_trainer.load(config)
    seed_trainer.check(config, source)
    found = {"peer": _measure(peer, source)} if peer else {}
    keras.config.set_dtype_policy(config.runtime.precision)
    trainer = seed_trainer.SeedTrainer(config, source, range(_SEEDS.value))
    compile_seconds = trainer.compile()
    print(f"compiled in {compile_seconds:.1f} s", flush=True)
    runs = []
    for seed in range(_SEEDS.value):
        runs.append(run := trainer.train(seed))
        print(
            f"seed {seed}: {run['test']['top1']:.2%}, "
            f"with flip {run['test_with_flip']['top1']:.2%}, "
            f"six views {run['test_with_views']['top1']:.2%}, {run['seconds']:.2f} s",
            flush=True,
        )
    means = _means(
        [
            {
                "accuracy": run["test"]["top1"],
                "accuracy_with_flip": run["test_with_flip"]["top1"],
                "accuracy_with_views": run["test_with_views"]["top1"],
                "seconds": run["seconds"],
            }
            for run in runs
        ]
    )
    result = {
        "device": distribution.device_name(),
        "compile_seconds": compile_seconds,
        **means,
        "runs": runs,
        **found,
        "config": config.to_dict(),
    }
    common.add_line(_OUT.value, result)
    for name, mean in means.items():
        print(f"{name}: {_text(mean)}")


def _measure(peer, source) -> dict:
    """Trains the peer as often, and prints its means."""
    from ltpa_tf.benchmark import public_script

    public_script.check_images(source)
    runs = public_script.train(peer, source, _SEEDS.value)
    means = _means(runs)
    for name, mean in means.items():
        print(f"{peer.file.name}, {name}: {_text(mean)}", flush=True)
    return {"name": peer.file.name, **means, "runs": runs}


def _means(runs: Sequence[Mapping[str, float]]) -> dict[str, dict[str, float]]:
    """Mean and deviation of each of their numbers."""
    from ltpa_tf.results.seed_trainer import mean_and_deviation

    return {name: mean_and_deviation([run[name] for run in runs]) for name in runs[0]}


def _text(mean: Mapping[str, float]) -> str:
    return f"{mean['mean']:.4f} +- {mean['deviation']:.4f}"


if __name__ == "__main__":
    program.run(main)
