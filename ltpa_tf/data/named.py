"""Data sets of TensorFlow Datasets, by name; without network unless asked for."""

import logging
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import tensorflow_datasets as tfds

from ltpa_tf.data.examples import Examples, splits_of
from ltpa_tf.data.memory import memory
from ltpa_tf.data.source import NOT_TFDS, fingerprint
from ltpa_tf.errors import SettingError
from ltpa_tf.home import expanded
from ltpa_tf.images import Preprocessing
from ltpa_tf.words import nearest, one_of

_PARTS = ("train", "validation", "test")
_BOX = "bbox"  # as TFDS names that of CUB-200-2011, Cars and the like


def load_named(
    name: str,
    data_dir: str,
    image_size: int,
    chosen: Preprocessing,
    download: bool,
    skip_damaged: bool = False,
) -> tuple[tuple[str, ...], dict]:
    """Class names, and what `make_source` needs, of a TFDS data set.

    Examples stand in the order of their ids where they have ids (CIFAR: the official
    order), otherwise as on disk. Of a set with one held-out part, that part is for the
    final metrics, whatever its name. A box that each example has, `bbox`, is that of
    its object.

    Args:
        name: As for `tfds.load`, with config or version if need be.
        data_dir: "" = TFDS's own default.
        image_size: 0 = as they are.
        chosen: How images are decoded.
        download: Let TFDS fetch a set that is not on disk.
        skip_damaged: Go on without examples that can't be decoded.

    Raises:
        SettingError: When it is not on disk, or isn't images with labels; naming all
            examples that can't be decoded.
    """
    builder = _builder(name, data_dir, download)
    info = builder.info
    image_key, label_key = _keys(name, info.features)
    _check_memory(name, info.dataset_size)
    parts = {
        part: _read(builder, part, image_key, label_key)
        for part in _PARTS
        if part in info.splits
    }
    others = sorted(set(info.splits) - set(_PARTS))
    if others:
        logging.warning(
            "%s has parts that are not used, %s: only %s are",
            name,
            ", ".join(map(repr, others)),
            ", ".join(_PARTS),
        )
    if "train" not in parts:
        raise SettingError("data.name", name, "a data set with a split named 'train'")
    if "test" in parts and (parts["test"].labels < 0).all():
        del parts["test"]  # a competition's, its labels kept back
    if "test" not in parts and "validation" in parts:
        parts["test"] = parts.pop("validation")

    size = (
        (image_size, image_size) if image_size else info.features[image_key].shape[:2]
    )
    if None in size:
        raise SettingError(
            "data.image_size", 0, f"a size to resize to: images of {name} differ"
        )
    names = tuple(info.features[label_key].names)
    where = builder.data_dir
    splits, parts, skipped = splits_of(
        parts, size, image_size > 0, chosen, where, skip_damaged
    )
    if "train" not in splits:
        raise SettingError("data.name", name, "a data set with an image to train on")
    pieces = (piece for part in parts.values() for piece in (part.encoded, part.labels))
    identity = fingerprint(names, *pieces)
    return names, {
        **splits,
        "identity": identity,
        "where": str(where),
        "skipped": skipped,
    }


def _builder(name: str, data_dir: str, download: bool) -> tfds.core.DatasetBuilder:
    root = (
        Path(data_dir)
        if data_dir
        else expanded(tfds.core.constants.DATA_DIR, "data.dir")
    )
    folder = _find(root, name)
    if folder is not None:
        # Reads what is on disk and nothing else; `tfds.builder` may call home.
        try:
            return tfds.builder_from_directory(folder)
        except ValueError as error:  # a format of later versions of TFDS
            raise SettingError(
                "data.name", name, f"a data set that this TFDS reads ({error})"
            ) from None
    if not download:
        raise SettingError("data.name", name, _where_to_get(name, root))
    try:
        builder = tfds.builder(name, data_dir=str(root), try_gcs=False)
        builder.download_and_prepare()
    except tfds.core.DatasetNotFoundError:
        raise SettingError("data.name", name, "a name that TFDS knows") from None
    except OSError as error:
        raise SettingError(
            "data.download", True, f"a network that can be reached ({error})"
        ) from None
    return builder


def _find(root: Path, name: str) -> Path | None:
    """The folder of the newest version, as TFDS lays them out."""
    path, _, version = name.partition(":")
    # NAME/VERSION, or with a config NAME/CONFIG/VERSION.
    for pattern in ("*", "*/*"):
        versions = _complete(root / path, pattern)
        found = [folder for folder in versions if version in ("", folder.name)]
        if found:
            return max(found, key=lambda folder: tfds.core.Version(folder.name))
    return None


def _complete(root: Path, pattern: str) -> list[Path]:
    """Folders of whole data sets; one that is being written has another name."""
    folders = [file.parent for file in root.glob(f"{pattern}/dataset_info.json")]
    return [folder for folder in folders if tfds.core.Version.is_valid(folder.name)]


def _where_to_get(name: str, root: Path) -> str:
    there = sorted({folder.parent.name for folder in _complete(root, "*/*")})
    near = nearest(name, (*NOT_TFDS, *there))
    return (
        f"{one_of(NOT_TFDS)}, or a TFDS data set on disk; "
        + (f"did you mean {' or '.join(near)}? " if near else "")
        + f"{root} holds {', '.join(there) or 'none'}. With a network, "
        f"data.download=True fetches it; without, prepare_data --source=ARCHIVE "
        f"--name={name} makes it from files"
    )


def _keys(name: str, features) -> tuple[str, str]:
    """Which features are the image and its label."""
    kinds = {"image": tfds.features.Image, "label": tfds.features.ClassLabel}
    keys = []
    for usual, kind in kinds.items():
        found = [
            key for key, feature in dict(features).items() if isinstance(feature, kind)
        ]
        if usual in found:
            found = [usual]
        if len(found) != 1:
            raise SettingError(
                "data.name",
                name,
                f"a data set with one {usual} per example; its features are "
                + ", ".join(features),
            )
        keys += found
    if np.dtype(features[keys[0]].np_dtype) not in (np.uint8, np.uint16):
        raise SettingError("data.name", name, "a data set of 8 or 16-bit images")
    return tuple(keys)


def _read(
    builder: tfds.core.DatasetBuilder, part: str, image_key: str, label_key: str
) -> Examples:
    """The examples of a part, in order."""
    kinds = dict(builder.info.features)
    ids = isinstance(kinds.get("id"), tfds.features.Text)
    decoders = {image_key: tfds.decode.SkipDecoding()}
    encoded, labels, boxes, names = [], [], [], []
    for example in _stored(builder, part, decoders):
        encoded.append(example[image_key])
        labels.append(int(example[label_key]))
        boxes.append(example.get(_BOX))
        if ids:
            names.append(example["id"])
    examples = Examples(
        encoded, np.array(labels, np.int32), _boxes(kinds.get(_BOX), boxes)
    )
    if not ids:
        return examples
    return examples.take(np.argsort(np.array(names), kind="stable"))


def _boxes(feature: object, values: list[np.ndarray]) -> np.ndarray | None:
    """The boxes of a part, if they are shares of the image as those of `Examples`."""
    if not isinstance(feature, tfds.features.BBoxFeature):
        return None
    boxes = np.array(values).reshape(-1, 4)
    usual = tfds.features.BBoxFeature().bbox_format
    # Sets written by earlier versions don't say which form they have.
    known = feature.bbox_format in (usual, None)
    return boxes if known and ((boxes >= 0) & (boxes <= 1)).all() else None


def _stored(builder: tfds.core.DatasetBuilder, part: str, decoders: dict) -> Iterable:
    """The examples of a part, in the order in which they are stored."""
    try:
        if builder.info.file_format is tfds.core.FileFormat.ARRAY_RECORD:
            return builder.as_data_source(split=part, decoders=decoders)
        dataset = builder.as_dataset(split=part, shuffle_files=False, decoders=decoders)
    except ImportError:
        package = builder.info.file_format.value.replace("_", "-")
        raise SettingError(
            "data.name",
            builder.name,
            f"a data set in files that can be read here: this one's need the package "
            f"{package}",
        ) from None
    return dataset.as_numpy_iterator()


def _check_memory(name: str, dataset_size: int) -> None:
    if dataset_size > memory() // 2:
        raise SettingError(
            "data.name",
            name,
            f"a TFDS data set of at most half this machine's memory, "
            f"{memory() / 2e9:.0f} GB, and this one has {dataset_size / 1e9:.0f} GB; "
            "as a folder of images any size works",
        )
