r"""Makes a TFDS data set on disk out of files, for machines without a network.

python -m pipelines.prepare_data --source=cifar-100-python.tar.gz --name=cifar100
python -m pipelines.prepare_data --source=images/ --name=my_images --data_dir=data

Training then finds it as --config.data.name=NAME --config.data.dir=DATA_DIR, and so
does tfds.load(NAME, download=False, data_dir=DATA_DIR). A file croissant.json beside it
describes it to other tools.

python -m pipelines.prepare_data --source=cifar100.npz --npz=few.npz \
    --classes=aquatic_mammals,fish --per_class=50

With --npz it writes a small task out of a large one instead, which is trained on by
--config.data.name=npz --config.data.dir=few.npz.
"""

from collections.abc import Sequence

from absl import flags

from ltpa_tf.errors import SettingError
from ltpa_tf.programs import program

_SOURCE = flags.DEFINE_string(
    "source",
    None,
    "What to read: an official CIFAR python archive (.tar.gz, or what it extracts to); "
    "an .npz with x_train, y_train, x_test, y_test and label_names; or a folder of "
    "images, one subfolder per class, if you like under train/, validation/ and test/.",
)
_NAME = flags.DEFINE_string(
    "name", None, "The data set's name, e.g. cifar10, cifar100 or one of your own."
)
_DATA_DIR = flags.DEFINE_string(
    "data_dir",
    "~/tensorflow_datasets",
    "Folder of TFDS data sets. The default is TFDS's own, where no data.dir is needed.",
)
_SKIP_DAMAGED = flags.DEFINE_boolean(
    "skip_damaged", False, "Go on without the files of a folder that can't be used."
)
_NPZ = flags.DEFINE_string(
    "npz",
    None,
    "Instead of --name: an .npz file to write, of few training images of some classes "
    "of a --source .npz, and their test images.",
)
_CLASSES = flags.DEFINE_list(
    "classes", [], "Of --npz: names of classes or superclasses (coarse_label_names)."
)
_PER_CLASS = flags.DEFINE_integer(
    "per_class", 50, "Of --npz: training images of each class.", lower_bound=1
)
_SEED = flags.DEFINE_integer("seed", 0, "Of --npz: chooses them.", lower_bound=0)
_HELD_OUT = flags.DEFINE_boolean(
    "held_out",
    False,
    "Of --npz: test on the training images that weren't chosen, to choose settings by.",
)
_OF_NAME = (_DATA_DIR, _SKIP_DAMAGED)
_OF_NPZ = (_CLASSES, _PER_CLASS, _SEED, _HELD_OUT)


def main(argv: Sequence[str]) -> None:
    """Writes the data set and prints where it is."""
    del argv
    if (_NAME.value is None) == (_NPZ.value is None):
        raise SettingError("--name, --npz", [_NAME.value, _NPZ.value], "one of the two")
    needed, others = ("--npz", _OF_NPZ) if _NPZ.value is None else ("--name", _OF_NAME)
    for flag in others:
        if flags.FLAGS[flag.name].present:
            raise SettingError(
                f"--{flag.name}", flag.value, f"nothing, without {needed}"
            )
    if _NPZ.value is not None:
        print(_few())
        return
    from ltpa_tf.data.prepare import prepare

    skip = _SKIP_DAMAGED.value
    print(prepare(_SOURCE.value, _NAME.value, _DATA_DIR.value, skip_damaged=skip))


def _few():
    from ltpa_tf.data.few import write_few

    return write_few(
        _SOURCE.value,
        _NPZ.value,
        classes=_CLASSES.value,
        per_class=_PER_CLASS.value,
        seed=_SEED.value,
        held_out=_HELD_OUT.value,
    )


def cli() -> None:
    """Entry point of `ltpa-prepare-data`."""
    flags.mark_flag_as_required("source")
    program.run(main)


if __name__ == "__main__":
    cli()
