"""From a trained model to a versioned SavedModel."""

import contextlib
import json
import logging
import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from ltpa_tf.files import write_json, write_text
from ltpa_tf.images import DEFAULT, Preprocessing
from ltpa_tf.serving import (
    answer_log,
    card,
    check_version,
    server_files,
    versions,
    warmup,
)
from ltpa_tf.serving.functions import save_functions
from ltpa_tf.serving.prediction import from_outputs
from ltpa_tf.serving.signatures import Signatures
from ltpa_tf.stores import local

SAMPLES = "samples"
PREPROCESSING_FILE = "preprocessing.json"
REFERENCE_FILE = "reference.json"


def export(
    model: keras.Model,
    directory: str | os.PathLike,
    *,
    class_names: Sequence[str],
    preprocessing: Preprocessing = DEFAULT,
    version: int | None = None,
    facts: Mapping | None = None,
    samples: Mapping[str, np.ndarray] | None = None,
    reference: Iterable[np.ndarray] = (),
    stable: bool = False,
    keep: int = 0,
    compact: Sequence[str] = (),
) -> Path:
    """Writes `directory/VERSION/`, ready for TensorFlow Serving.

    The signatures are those of `Signatures`. All preprocessing is inside, and
    `tf.saved_model.load` needs nothing of this package. With it come warm-up requests,
    each of them tried, `class_names.json`, `preprocessing.json` and `model_card.md`,
    and in `directory` the server's own files, see `server_files`: the new version gets
    the label `canary`, and the first one also `stable`.

    Args:
        model: As `ltpa_tf.models.build` makes it; it takes pixel values 0 to 255.
        directory: Folder of the model's versions; made if missing. Its name is the
            name the model is served under.
        class_names: One name for each class, in the order of the labels.
        preprocessing: How files were brought to the model's size in training.
        version: A positive integer that doesn't exist yet; None takes the next one.
        facts: For the model card, see `card.facts_of`.
        samples: Name -> uint8 `[H, W, 3]`, images for the explorer to try.
        reference: Batches of held-out images, uint8 `[batch, H, W, 3]`: what is
            answered to them is kept in `reference.json`, see `find_drift`.
        stable: Whether the new version gets the label `stable` too.
        keep: How many of the newest versions to keep; 0 keeps all. Versions that have
            a label, or had it until now, always stay.
        compact: Forms of maps that get signatures of their own, of `compact.FORMS`.

    Returns:
        The folder of the new version.

    Raises:
        SettingError: If the version exists, the names don't match the model, or the
            folder can't be written to.

    Example:
        >>> model = models.build("vgg_att2_concat_pc", num_classes=2, width=0.125)
        >>> version = serving.export(
        ...     model, "saved_models/pets", class_names=["cat", "dog"]
        ... )
        >>> version.name
        '1'
    """
    directory = local(directory, "--export_dir")
    name = directory.resolve().name  # `.` has none
    version = versions.free_version(directory, version)
    before = server_files.read_labels(directory)
    labels = {"canary": version}
    if stable or "stable" not in before:
        labels["stable"] = version
    signatures = Signatures(model, class_names, preprocessing, compact)
    sizes = server_files.batch_sizes(directory)  # larger ones would stop the load
    with versions.new_version(directory, version) as aside:
        with _quiet():
            save_functions(signatures.network, signatures.functions(), aside)
        _write_warmup(signatures, aside, name, sizes)
        loaded = tf.saved_model.load(str(aside)).signatures
        warmup.replay(aside, loaded)
        write_json(aside / check_version.CLASS_NAMES_FILE, list(signatures.class_names))
        write_json(aside / PREPROCESSING_FILE, preprocessing.to_dict())
        text = card.model_card(name, version, signatures, facts or {})
        write_text(aside / card.FILE, text)
        _write_samples(samples or {}, aside / SAMPLES)
        _write_reference(reference, loaded, aside)
    labels = server_files.label(directory, labels)
    # A server answers from where a label was until it has loaded where it is now.
    versions.remove_old(directory, keep, spare=[*before.values(), *labels.values()])
    return directory / str(version)


def read_preprocessing(version: Path) -> Preprocessing:
    """What an export says of image files; those of earlier versions say nothing.

    Raises:
        ValueError: If the file is damaged.
    """
    file = version / PREPROCESSING_FILE
    if not file.exists():
        return DEFAULT
    return Preprocessing.of(json.loads(file.read_text(encoding="utf-8")))


def _write_warmup(
    signatures: Signatures, folder: Path, model_name: str, sizes: Sequence[int]
) -> None:
    specs = {name: spec for name, (_, spec) in signatures.functions().items()}
    warmup.write(folder, specs, signatures.image_shape, sizes, model_name)


def _write_samples(samples: Mapping[str, np.ndarray], folder: Path) -> None:
    folder.mkdir()
    for number, (name, image) in enumerate(samples.items()):
        plain = re.sub(r"[^\w-]+", "-", name)
        file = folder / f"{number}_{plain}.png"
        file.write_bytes(tf.io.encode_png(image).numpy())


def _write_reference(
    batches: Iterable[np.ndarray], loaded: Mapping[str, Callable], folder: Path
) -> None:
    name = "attention_maps" if "attention_maps" in loaded else "serving_default"
    answers = []
    for images in batches:
        outputs = loaded[name](images=tf.constant(images))
        answers += from_outputs({key: one.numpy() for key, one in outputs.items()})
    if answers:
        text = json.dumps([answer_log.summary(answer) for answer in answers])
        write_text(folder / REFERENCE_FILE, text + "\n")


@contextlib.contextmanager
def _quiet():
    """Without the lines that TensorFlow logs while it writes."""
    logger = tf.get_logger()
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)
