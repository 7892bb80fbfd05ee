"""Trains a model, or continues where an earlier call was cut off.

    python -m pipelines.train --config=configs/cifar100.py --workdir=runs/cifar100
    python -m pipelines.train --config=configs/svhn.py --preset=NAME --workdir=runs/s

Exit codes: 0 when the run is complete; 2 for a setting that can't be used, 3 when the
loss was not finite, 4 when checkpoints can't be written or read: put that right first.
From 128 up the same command continues: 143 after SIGTERM and 130 after Ctrl-C, which
save the state, 138 when another worker was lost.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from absl import flags

from ltpa_tf.errors import SettingError
from ltpa_tf.programs import program
from ltpa_tf.words import count

if TYPE_CHECKING:
    from ml_collections import ConfigDict

_CONFIG = program.define_config()
_WORKDIR = flags.DEFINE_string(
    "workdir",
    None,
    "The run folder; made if needed. s3://, gs:// and hdfs:// work too, with the extra "
    "of that name.",
)
_INIT_FROM = flags.DEFINE_string(
    "init_from",
    None,
    "A finished run's folder, or a .keras file, to take the first weights from: to "
    "train it for longer, or on other data; short for --config.train.init_from.",
)
_PRESET = flags.DEFINE_string(
    "preset",
    None,
    "A preset's name, folder or hf://USER/NAME, to fine-tune: its model instead of "
    "config.model, its weights to begin with, and its normalization of pixels.",
)
flags.mark_flag_as_required("workdir")


def main(argv: Sequence[str]) -> None:
    """Trains and prints the result."""
    del argv
    from ltpa_tf import training

    if _INIT_FROM.value and _PRESET.value:
        raise SettingError(
            "--init_from, --preset", [_INIT_FROM.value, _PRESET.value], "one of the two"
        )
    if _INIT_FROM.value:
        _CONFIG.value.train.init_from = _INIT_FROM.value
    if _PRESET.value:
        _fine_tune(_CONFIG.value, _PRESET.value)
    summary = training.train(_CONFIG.value, _WORKDIR.value)
    print(f"{_WORKDIR.value}: {_in_words(summary)}")


def _fine_tune(config: "ConfigDict", preset: str) -> None:
    """Sets the preset's model, and its weights as the first ones."""
    from ltpa_tf import models

    settings = models.preset_settings(preset)
    if config.model.backbone:
        raise SettingError(
            "--preset", preset, f"none with model.backbone={config.model.backbone}"
        )
    row = models.arguments(config.model.name)
    if any(k in config.model and k not in row for k in settings):
        raise SettingError(
            "--preset", preset, f"one with a model as of model.name={config.model.name}"
        )
    config.model.update({k: settings[k] for k in config.model if k in settings})
    config.model.receptive_field = 0.0  # the levels are the preset's
    config.train.init_from = preset


def _in_words(summary: dict) -> str:
    """The summary in one line."""
    metrics = summary["metrics"]
    which = "validation" if "val_accuracy" in metrics else "training"
    accuracy = metrics.get("val_accuracy", metrics.get("accuracy"))
    # The line of the last epoch can be lost, see `MetricsFile.resume`.
    known = "unknown" if accuracy is None else f"{accuracy:.2%}"
    return (
        f"{count(summary['epochs'], 'epoch')}, {which} accuracy {known}, "
        f"{summary['seconds']:.0f} s"
    )


def cli() -> None:
    """The installed command `ltpa-train`."""
    program.run(main, remote=["workdir", "preset"])


if __name__ == "__main__":
    cli()
