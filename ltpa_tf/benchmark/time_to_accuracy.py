r"""Accuracy and seconds of a config over several seeds, one compiled step for all.

    python -m ltpa_tf.benchmark.time_to_accuracy --seeds=5 \\
        --config=configs/cifar100_fast.py

A seed means other initial weights, order and augmentation. Timed is training, from the
first step to the last one's end, and the statistics for averaged weights if there is an
average; compiling (once, reported beside it), loading data, drawing initial weights and
testing are not. Nothing is selected: tested once, after the last step.

Settings are chosen on images held out from training, never on the test part: with
`--config.data.validation_examples=5000` the accuracies are those of that many.
"""

from collections.abc import Sequence

from absl import flags

from ltpa_tf.benchmark import common
from ltpa_tf.programs import program

_CONFIG = program.define_config()
_SEEDS = flags.DEFINE_integer(
    "seeds", 5, "How many seeds, counted from 0.", lower_bound=1
)
_OUT = flags.DEFINE_string("out", None, "A file that gets a line of JSON.")


def main(argv: Sequence[str]) -> None:
    """Trains every seed and prints a line for each, then the mean."""
    del argv
    import keras

    from ltpa_tf.config import validate
    from ltpa_tf.results import trainer as training
    from ltpa_tf.training import distribution

    config = _CONFIG.value
    validate(config)
    common.check_out(_OUT.value)
    keras.config.set_dtype_policy(config.runtime.precision)
    trainer = training.SeedTrainer(config, training.load(config), range(_SEEDS.value))
    compile_seconds = trainer.compile()
    print(f"compiled in {compile_seconds:.1f} s", flush=True)
    runs = []
    for seed in range(_SEEDS.value):
        runs.append(run := trainer.train(seed))
        print(
            f"seed {seed}: {run['test']['top1']:.2%}, "
            f"with flip {run['test_with_flip']['top1']:.2%}, {run['seconds']:.2f} s",
            flush=True,
        )
    means = {
        "accuracy": [run["test"]["top1"] for run in runs],
        "accuracy_with_flip": [run["test_with_flip"]["top1"] for run in runs],
        "seconds": [run["seconds"] for run in runs],
    }
    means = {name: training.mean_and_deviation(v) for name, v in means.items()}
    result = {
        "device": distribution.device_name(),
        "compile_seconds": compile_seconds,
        **means,
        "runs": runs,
        "config": config.to_dict(),
    }
    common.add_line(_OUT.value, result)
    for name, mean in means.items():
        print(f"{name}: {mean['mean']:.4f} +- {mean['deviation']:.4f}")


if __name__ == "__main__":
    program.run(main)
