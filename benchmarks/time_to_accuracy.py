"""Accuracy and seconds of a config over several seeds, one compiled step for all.

    python -m benchmarks.time_to_accuracy --config=configs/cifar100_fast.py --seeds=5

A seed means other initial weights, order and augmentation. Timed is training, from the
first step to the last one's end, and the statistics for averaged weights if there is an
average; compiling (once, reported beside it), loading data, drawing initial weights and
testing are not. Nothing is selected: tested once, after the last step.

Settings are chosen on images held out from training, never on the test part: with
`--config.data.validation_examples=5000` the accuracies are those of that many.
"""

from collections.abc import Sequence

from absl import flags

from benchmarks import common
from pipelines import program

_CONFIG = program.define_config()
_SEEDS = flags.DEFINE_integer(
    "seeds", 5, "How many seeds, counted from 0.", lower_bound=1
)
_OUT = flags.DEFINE_string("out", None, "A file that gets a line of JSON.")


def main(argv: Sequence[str]) -> None:
    """Trains every seed and prints a line for each, then the mean."""
    del argv
    import keras

    from benchmarks.seeds import Trainer, load, summary
    from ltpa_tf.config import validate

    config = _CONFIG.value
    validate(config)
    common.check_out(_OUT.value)
    keras.config.set_dtype_policy(config.runtime.precision)
    trainer = Trainer(config, load(config), range(_SEEDS.value))
    compile_seconds = trainer.compile()
    print(f"compiled in {compile_seconds:.1f} s", flush=True)
    runs = []
    for seed in range(_SEEDS.value):
        runs.append(trainer.train(seed))
        print(
            "seed {seed}: {accuracy:.2%}, with flip {accuracy_with_flip:.2%}, "
            "{seconds:.2f} s".format(**runs[-1]),
            flush=True,
        )
    result = summary(config, runs, compile_seconds)
    common.add_line(_OUT.value, result)
    for name in ("accuracy", "accuracy_with_flip", "seconds"):
        print(f"{name}: {result[name]['mean']:.4f} +- {result[name]['deviation']:.4f}")


if __name__ == "__main__":
    program.run(main)
