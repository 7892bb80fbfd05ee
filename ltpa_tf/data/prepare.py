"""Writes images as a TFDS data set on disk, which `tfds.load` itself opens."""

import logging
import re
import tempfile
from pathlib import Path

import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

from ltpa_tf.data import archives, arrays, folder
from ltpa_tf.data.croissant import write_croissant
from ltpa_tf.data.folder_objects import boxes_in_pixels, says_where_objects_are
from ltpa_tf.data.source import NOT_TFDS
from ltpa_tf.data.splits import check_classes, check_labels
from ltpa_tf.errors import SettingError
from ltpa_tf.home import expanded
from ltpa_tf.images import DEFAULT, files, headers, kind_of, pillow
from ltpa_tf.images.fit import turn

# Names that belong to a known set: its classes and further labels.
_KNOWN = {"cifar10": (10, set()), "cifar100": (100, {"coarse_label"})}


def prepare(
    source: str | Path, name: str, data_dir: str | Path, *, skip_damaged: bool = False
) -> Path:
    """Writes a TFDS data set, and `croissant.json` which describes it to other tools.

    It is written beside its place and renamed when it is complete, so a half-written
    set is never found. A set of the name of one of TFDS's own, such as cifar10, gets
    that one's version and features and opens as the real one. Any other has a `bbox`
    where the box of the object is known in every image of every part; what a source
    says of objects beyond that stays out, which is warned of.

    Args:
        source: An official CIFAR python archive (.tar.gz or extracted), an .npz file
            as in `ltpa_tf.data.arrays` (also with `y_train_coarse`, `y_test_coarse`
            and `coarse_label_names`), or a folder as in `ltpa_tf.data.folder`.
        name: For `tfds.load(name)`.
        data_dir: Folder of TFDS data sets; made if need be.
        skip_damaged: Go on without the files of a folder that can't be used.

    Returns:
        The folder of the data set, DATA_DIR/NAME/VERSION.

    Raises:
        SettingError: When the source can't be used, or the set is there already.
    """
    source, data_dir = expanded(source, "--source"), expanded(data_dir, "--data_dir")
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        raise SettingError("--name", name, "lower case letters, digits and _")
    if name in NOT_TFDS:
        raise SettingError("--name", name, "another name: that one is no TFDS data set")
    if not source.exists():
        raise SettingError("--source", str(source), "a file or folder that exists")
    parts, class_names, boxes = _read(source, skip_damaged)
    for part, columns in parts.items():
        for key, names in class_names.items():
            check_labels(columns[key], names, f"{source} ({part} part, {key})")
    check_classes(parts["train"]["label"], class_names["label"], str(source))
    shape = _shape(parts)
    _check_known(name, class_names, shape)
    _add_boxes(source, parts, boxes if name not in _KNOWN else {})

    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        prepared = _builder_class(name, parts, class_names, shape)
        builder = prepared(data_dir=str(data_dir))
        path = Path(builder.data_dir)
        if path.exists():
            raise SettingError(
                "--data_dir",
                str(path),
                "a place without this data set; remove it first",
            )
        with tempfile.TemporaryDirectory() as scratch:
            builder.download_and_prepare(download_dir=scratch)
        write_croissant(builder.info, path)
    except OSError as error:
        raise SettingError(
            "--data_dir", str(data_dir), f"a folder that can be written to ({error})"
        ) from None
    return path


def _read(source: Path, skip_damaged: bool) -> tuple[dict, dict, dict]:
    """What a source holds.

    Returns:
        {part: {"image": N arrays or files, "label": int32 [N], ...}}; {key: names}; and
        {part: int32 [N, 4]}, boxes in pixels of those with boxes.
    """
    if archives.is_archive(source):
        return *archives.read_archive(source), {}
    if source.is_dir():
        found = folder.read_folder(
            source, skip_damaged=skip_damaged, setting="--source"
        )
        names = found.class_names
        parts = {
            part: (images, np.array([one.label for one in images], np.int32))
            for part, images in found.parts.items()
        }
        known = {p: boxes_in_pixels(source, ones) for p, ones in found.parts.items()}
        boxes = {part: one for part, one in known.items() if one is not None}
    elif source.suffix == ".npz":
        parts, names, boxes = arrays.read_npz(source, deep=True)
    else:
        raise SettingError(
            "--source",
            str(source),
            "CIFAR's python archive (.tar.gz or extracted), an .npz, or a folder",
        )
    class_names = {"label": names}
    parts = {
        part: {"image": images, "label": labels}
        for part, (images, labels) in parts.items()
    }
    if source.suffix == ".npz":
        with np.load(source, allow_pickle=False) as archive:
            if "coarse_label_names" in archive:
                class_names["coarse_label"] = arrays.class_texts(
                    archive["coarse_label_names"], f"{source}: coarse_label_names"
                )
                for part, columns in parts.items():
                    key = f"y_{part}_coarse"
                    if key not in archive:
                        raise SettingError(
                            str(source),
                            sorted(archive),
                            f"{key} too, as there are coarse_label_names",
                        )
                    columns["coarse_label"] = arrays.class_numbers(
                        archive[key], len(columns["label"]), f"{source}: {key}"
                    )
    return parts, class_names, boxes


def _add_boxes(source: Path, parts: dict, boxes: dict) -> None:
    """Gives each part its boxes, as shares of the images, where all parts have them.

    TFDS's features are those of all parts. Warns of what therefore stays out.
    """
    tables = []
    if source.is_dir():
        tables = [one.name for one in source.iterdir() if says_where_objects_are(one)]
    elif source.suffix == ".npz":
        with np.load(source, allow_pickle=False) as archive:
            tables = [key for key in archive if key.startswith(("boxes_", "masks_"))]
    if set(boxes) == set(parts):
        tables = [table for table in tables if not table.startswith("boxes")]
        for part, columns in parts.items():
            columns["bbox"] = boxes[part] / np.tile(_sides(columns["image"]), 2)
    if tables:
        logging.warning(
            "%s: left out: %s. A TFDS data set has no masks, and a box of every image "
            "or of none; training on the source itself has them.",
            source,
            ", ".join(sorted(tables)),
        )


def _sides(images: np.ndarray | list[folder.ImageFile]) -> np.ndarray:
    """Height and width of each image, [N, 2]."""
    if isinstance(images, np.ndarray):
        return np.tile(images.shape[1:3], (len(images), 1))
    return np.array([image.checked.shape for image in images])


def _stored(image: folder.ImageFile) -> bytes:
    """The file itself where every reader of TFDS sees in it what a person sees.

    Others are stored as that: TFDS knows no orientation, no transparency, and few
    formats.
    """
    content = files.read(image.path)
    plain = (headers.UPRIGHT, headers.PNG | headers.UPRIGHT)
    if image.checked.code & ~headers.DEEP in plain:
        return content
    if image.checked.levels:
        seen = _deep(content, image.checked.code)
    else:
        seen = files.decoded(content, image.checked.code, None, DEFAULT)
    return tf.io.encode_png(seen).numpy()


def _deep(content: bytes, code: int) -> np.ndarray:
    """Upright and on white, with all 16 bits: a window is chosen in training."""
    if code == headers.PILLOW:
        values = pillow.loaded(content, kind_of(content))
    else:
        lying = tf.io.decode_png(content, channels=4, dtype=tf.uint16)
        values = turn(lying, code & headers.ORIENTATION).numpy()
    return values if values.shape[-1] < 4 else pillow.deep_on_white(values)


def _shape(parts: dict) -> tuple[int | None, int | None, int]:
    """(H, W, 3) of all images; None for sides that files, or the parts, differ in."""
    images = [columns["image"] for columns in parts.values()]
    shapes = {one.shape[1:] for one in images if isinstance(one, np.ndarray)}
    return shapes.pop() if len(shapes) == 1 else (None, None, 3)


def _check_known(name: str, class_names: dict, shape: tuple) -> None:
    if name not in _KNOWN:
        return
    classes, further = _KNOWN[name]
    fits = len(class_names["label"]) == classes and set(class_names) == {
        "label",
        *further,
    }
    if not fits or shape != (32, 32, 3):
        raise SettingError(
            "--name",
            name,
            f"another name, or 32x32 images of {classes} classes"
            + "".join(f" with {key}s" for key in further)
            + f"; here are {len(class_names['label'])} classes",
        )


def _builder_class(name: str, parts: dict, class_names: dict, shape: tuple) -> type:
    try:
        version = tfds.builder_cls(name).VERSION
    except tfds.core.DatasetNotFoundError:
        version = tfds.core.Version("1.0.0")

    boxes = "bbox" in parts["train"]

    class Prepared(tfds.core.GeneratorBasedBuilder, skip_registration=True):
        VERSION = version

        def _info(self):
            return tfds.core.DatasetInfo(
                builder=self,
                description=f"{name}, written by prepare_data of ltpa_tf.",
                features=tfds.features.FeaturesDict(
                    {
                        "id": tfds.features.Text(),
                        "image": tfds.features.Image(shape=shape),
                        **{
                            key: tfds.features.ClassLabel(names=names)
                            for key, names in class_names.items()
                        },
                        **({"bbox": tfds.features.BBoxFeature()} if boxes else {}),
                    }
                ),
                supervised_keys=("image", "label"),
            )

        def _split_generators(self, dl_manager):
            del dl_manager
            return {part: self._generate_examples(part) for part in parts}

        def _generate_examples(self, part):
            columns = parts[part]
            examples = len(columns["label"])
            digits = max(5, len(str(examples - 1)))  # 5 in TFDS's own CIFAR
            for number in range(examples):
                row = {key: column[number] for key, column in columns.items()}
                if isinstance(row["image"], folder.ImageFile):
                    row["image"] = _stored(row["image"])
                elif row["image"].dtype == np.uint16:  # as of a 16-bit file
                    row["image"] = tf.io.encode_png(row["image"]).numpy()
                # TFDS shuffles on disk; sorting by id brings the order back.
                yield number, {"id": f"{part}_{number:0{digits}d}", **row}

    Prepared.name = name
    return Prepared
