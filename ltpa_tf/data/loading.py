"""`load`: a data set by its name."""

import numbers
import os
from collections.abc import Sequence

from ltpa_tf import stores
from ltpa_tf.data import digits, sharpness
from ltpa_tf.data.memory import check_images
from ltpa_tf.data.source import NOT_TFDS, Source
from ltpa_tf.data.splits import make_source
from ltpa_tf.errors import SettingError, settings_of
from ltpa_tf.images import Preprocessing
from ltpa_tf.words import one_of


def load(
    name: str,
    *,
    dir: str = "",
    seed: int = 0,
    train_examples: int = 0,
    validation_examples: int = 0,
    validation_share: float = 0.0,
    image_size: int = 0,
    largest_image_size: int = 0,
    download: bool = False,
    aspect: str = "squash",
    background: Sequence[int] = (255, 255, 255),
    window: Sequence[int] = (),
    skip_damaged: bool = False,
    match_sharpness: bool = False,
) -> Source:
    """Loads a data set.

    Args:
        name: "digits", the bundled cluttered digits; "folder"; "npz";
            "translated_mnist", "cluttered_mnist", see `ltpa_tf.data.scattered`; or the
            name of a TFDS data set (`cifar10`, `cifar100`, `svhn_cropped`, ...).
        dir: For "folder" the folder, see `ltpa_tf.data.folder`; for "npz" the file, see
            `ltpa_tf.data.arrays`, and so for MNIST; for TFDS its data_dir, "" = TFDS's
            own default. Data in a store, such as "s3://bucket/data", is fetched each
            time.
        seed: Chooses the validation part; for "digits" and MNIST's canvases also
            the training images.
        train_examples: Keeps N training examples of those that are left after the
            validation part is set aside: the first of each class, in proportion; 0 =
            all. For "digits" the number of composites per epoch; for MNIST's canvases
            how many are made.
        validation_examples: Size of the part set aside from the training examples; 0
            = none, or the source's own ("digits" and divided folders have one).
        validation_share: Share of the training examples to set aside where
            `validation_examples` is 0 and the source has no validation part.
        image_size: Height and width to resize to; 0 = as they are.
        largest_image_size: Where that is 0, what a folder's images get at most: they
            get the size of most of them, see `ltpa_tf.data.folder.side_of`; 0 = off.
        download: Let TFDS fetch a set that is not on disk. Nothing else ever uses the
            network.
        aspect: How images of other shapes get the model's, see
            `ltpa_tf.images.Preprocessing`, as for the next two.
        background: What transparent images lie on.
        window: The values of 16-bit images that become black and white.
        skip_damaged: Go on without the files of a folder, or the examples of a TFDS
            data set, that can't be used.
        match_sharpness: Bring the test images to the training images' sharpness, see
            `ltpa_tf.data.sharpness.matched`.

    Raises:
        SettingError: When there is no such data set, or it can't be used; the sentence
            names the file or setting.

    Example:
        >>> data.load("digits", train_examples=1000)
        <Source 'digits': 10 classes, 32x32; train 1,000, validation 1,000, test 2,000>
    """
    if not isinstance(name, str):
        raise SettingError("data.name", name, f"{one_of(NOT_TFDS)}, or a TFDS data set")
    for setting, value in (
        ("data.train_examples", train_examples),
        ("data.validation_examples", validation_examples),
        ("data.image_size", image_size),
        ("data.largest_image_size", largest_image_size),
    ):
        if not isinstance(value, numbers.Integral) or value < 0:
            raise SettingError(setting, value, "0 or more, a whole number")
    check_images(1, (image_size, image_size))  # of how many, each source knows
    if not isinstance(validation_share, numbers.Real) or not 0 <= validation_share < 1:
        raise SettingError(
            "data.validation_share", validation_share, "0 or more, and below 1"
        )
    with settings_of("data"):
        chosen = Preprocessing(aspect, background, window)
    if not isinstance(match_sharpness, bool):
        raise SettingError("data.match_sharpness", match_sharpness, "True or False")
    # No shell does so in --config.data.dir=~/sets. Where no such user is, as it stands.
    dir = os.path.expanduser(dir or "")  # noqa: PTH111
    source = _source(
        name,
        dir,
        seed,
        image_size,
        largest_image_size,
        chosen,
        download,
        skip_damaged,
        train_examples=train_examples,
        validation_examples=validation_examples,
        validation_share=validation_share,
    )
    return sharpness.matched(source) if match_sharpness else source


def _source(
    name: str,
    dir: str,
    seed: int,
    image_size: int,
    largest_image_size: int,
    chosen: Preprocessing,
    download: bool,
    skip_damaged: bool,
    **examples,
) -> Source:
    """What `load` loads, of values that are all right by themselves."""
    if name == "digits":
        return digits.load(
            seed,
            examples["train_examples"],
            examples["validation_examples"],
            image_size,
        )
    if name in NOT_TFDS and not dir:
        raise SettingError("data.dir", dir, f"the path of the data for {name!r}")
    if stores.is_remote(dir):
        dir = _fetched(name, dir)
    # Each import as late as its source: TFDS alone takes a second.
    if name in ("translated_mnist", "cluttered_mnist"):
        from ltpa_tf.data.scattered import load_scattered

        return load_scattered(name, dir, image_size, seed, **examples)
    if name == "folder":
        from ltpa_tf.data.folder import load_folder

        class_names, parts = load_folder(
            dir, image_size, largest_image_size, chosen, skip_damaged
        )
    elif name == "npz":
        from ltpa_tf.data.arrays import load_npz

        class_names, parts = load_npz(dir, image_size, chosen)
    else:
        from ltpa_tf.data.named import load_named

        class_names, parts = load_named(
            name, dir, image_size, chosen, download, skip_damaged
        )
    return make_source(
        name,
        class_names,
        **parts,
        preprocessing=chosen,
        seed=seed,
        **examples,
    )


def _fetched(name: str, dir: str) -> str:
    """Where the data of a store is on this machine; of TFDS's folder one set alone."""
    if name in NOT_TFDS:
        return str(stores.fetched(dir, "data.dir"))
    path = name.partition(":")[0]
    folder = stores.fetched(f"{dir.rstrip('/')}/{path}", "data.dir")
    return str(folder.parents[path.count("/")])
