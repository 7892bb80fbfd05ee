"""Makes a TFDS data set on disk out of files, for machines without a network.

python -m pipelines.prepare_data --source=cifar-100-python.tar.gz --name=cifar100
python -m pipelines.prepare_data --source=images/ --name=my_images --data_dir=data

Training then finds it as --config.data.name=NAME --config.data.dir=DATA_DIR, and so
does tfds.load(NAME, download=False, data_dir=DATA_DIR). A file croissant.json beside it
describes it to other tools.
"""

from collections.abc import Sequence

from absl import flags

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


def main(argv: Sequence[str]) -> None:
    """Writes the data set and prints its folder."""
    del argv
    from ltpa_tf.data.prepare import prepare

    skip = _SKIP_DAMAGED.value
    print(prepare(_SOURCE.value, _NAME.value, _DATA_DIR.value, skip_damaged=skip))


def cli() -> None:
    """Entry point of `ltpa-prepare-data`."""
    flags.mark_flags_as_required(["source", "name"])
    program.run(main)


if __name__ == "__main__":
    cli()
