"""Trained models by name, and folders that hold one: `from_preset`, `save_preset`.

A preset is a folder, laid out as KerasHub does it: `config.json`, the model as Keras
serializes it; `model.weights.h5`, its weights, kernels in float16 or int8 (see
`models/storage.py`); `metadata.json`, class names and what was measured; `README.md`,
the same for people. Those that come with the package are named by `list_presets`;
others can be in the Hugging Face Hub, see `models/hub.py`.
"""

import fnmatch
import json
import os
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path

import keras
import numpy as np

from ltpa_tf.errors import SettingError
from ltpa_tf.models import hub
from ltpa_tf.models.inputs import softened
from ltpa_tf.models.precision import as_float32
from ltpa_tf.models.storage import STORAGES, narrow, readable
from ltpa_tf.models.transfer import transfer_weights
from ltpa_tf.models.vgg import AttentionVGG
from ltpa_tf.models.views import prune
from ltpa_tf.stores import local
from ltpa_tf.words import nearest, one_of

FOLDER = Path(__file__).parents[1] / "presets"

_CONFIG, _METADATA = "config.json", "metadata.json"
_WEIGHTS, _README = "model.weights.h5", "README.md"
_FILES = (_CONFIG, _WEIGHTS, _README, _METADATA)
_FORMAT = 1
# What the Hub reads in a README: what it is, and how to find others like it.
_HEADER = """\
---
library_name: keras
pipeline_tag: image-classification
tags: [attention, ltpa_tf]
---

`ltpa_tf.models.from_preset("{uri}")` loads this model.

"""


def list_presets(pattern: str = "*") -> list[str]:
    """The names of the presets that come with the package.

    Args:
        pattern: Of the names wanted, as in a shell: `"cifar*"`.

    Example:
        >>> models.list_presets("no-such-*")
        []
    """
    names = sorted(file.parent.name for file in FOLDER.glob(f"*/{_CONFIG}"))
    return fnmatch.filter(names, pattern)


def from_preset(
    preset: str | os.PathLike,
    load_weights: bool = True,
    num_classes: int | None = None,
    soften: bool = True,
) -> keras.Model:
    """A trained model, in float32, with its normalization of pixels inside.

    Args:
        preset: One of `list_presets()`, a folder that `save_preset` has written, or
            `hf://USER/NAME`, what `upload_preset` has put into the Hugging Face Hub.
        load_weights: Whether to load the trained weights; else they are drawn anew.
        num_classes: To fine-tune on other classes: so many, with a new classifier on
            the trained features; if they are as many as its own, with the trained one.
        soften: Whether it makes its images softer, if it is one that does (see
            `softened`); not, for images such as it was trained on.

    Returns:
        An ordinary functional model: pixel values 0 to 255, `[B, H, W, 3]`, to logits
        `[B, K]`. `preset_metadata` has the names of the preset's own classes.

    Raises:
        SettingError: No such preset (the nearest ones are named), a damaged one, one
            in a Hub that can't be reached, or another number of classes for what is no
            `AttentionVGG`.

    Example:
        >>> model = models.build("vgg_att2_concat_pc", num_classes=2, width=0.125)
        >>> folder = models.save_preset(model, "presets/mine", ["cat", "dog"])
        >>> models.from_preset(folder, num_classes=5).output_shape  # a new head
        (None, 5)
    """
    folder = preset_folder(preset)
    known = preset_metadata(folder)
    try:
        stored = json.loads((folder / _CONFIG).read_text(encoding="utf-8"))
        model = keras.saving.deserialize_keras_object(stored)
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise _damaged(folder / _CONFIG, error) from error
    if load_weights:
        storage = known.get("storage", "float16")
        try:
            with (
                readable(folder / _WEIGHTS, storage) as weights,
                warnings.catch_warnings(),
            ):
                # Keras warns of weights that it doesn't find and leaves as drawn.
                warnings.simplefilter("error", UserWarning)
                model.load_weights(weights)
        except (OSError, ValueError, KeyError, RuntimeError, UserWarning) as error:
            raise _damaged(folder / _WEIGHTS, error) from error
    if num_classes not in (None, model.output_shape[-1]):
        settings = preset_settings(preset) | {"num_classes": num_classes}
        settings["dtype"] = "float32"  # whatever Keras's global policy is
        trained, model = model, prune(AttentionVGG.from_config(settings))
        if load_weights:
            transfer_weights(model, trained)
    return softened(model, known.get("softening", 0.0)) if soften else model


def preset_settings(preset: str | os.PathLike) -> dict:
    """The arguments of the `AttentionVGG` that a preset was made of.

    Args:
        preset: As for `from_preset`.

    Raises:
        SettingError: No such preset, a damaged one, or one of another kind of model.

    Example:
        >>> model = models.build("vgg_att2_concat_pc", num_classes=2, width=0.125)
        >>> folder = models.save_preset(model, "presets/small", ["cat", "dog"])
        >>> models.preset_settings(folder)["width"]
        0.125
    """
    settings = preset_metadata(preset).get("settings")
    if settings is None:
        raise SettingError("preset", str(preset), "one that was made of AttentionVGG")
    return settings


def preset_metadata(preset: str | os.PathLike) -> dict:
    """What is known of a preset.

    Args:
        preset: As for `from_preset`.

    Returns:
        `class_names`, `image_shape`, `parameters`, `settings` (see `preset_settings`),
        `measured`, the numbers on its card, and, of newer ones, `preprocessing`,
        `storage` and `softening`.

    Raises:
        SettingError: No such preset, or a damaged one.

    Example:
        >>> model = models.build("vgg_att2_concat_pc", num_classes=2, width=0.125)
        >>> folder = models.save_preset(model, "presets/two", ["cat", "dog"])
        >>> models.preset_metadata(folder)["class_names"]
        ['cat', 'dog']
    """
    file = preset_folder(preset) / _METADATA
    try:
        metadata = json.loads(file.read_text(encoding="utf-8"))
        if not isinstance(metadata["class_names"], list):
            raise ValueError("class_names is no list")
        return metadata
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise _damaged(file, error) from error


def save_preset(
    model: keras.Model,
    directory: str | os.PathLike,
    class_names: Sequence[str],
    measured: Mapping[str, object] | None = None,
    preprocessing: Mapping[str, object] | None = None,
    storage: str = "float16",
    softening: float = 0.0,
) -> Path:
    """Writes a model as a preset that `from_preset` reads.

    What can't change the logits is left out, see `ltpa_tf.models.prune`.

    Args:
        model: A functional model; it is stored as one that computes in float32.
        directory: A new folder, or an empty one; its name is the preset's.
        class_names: One for each of the model's outputs.
        measured: Figures for the card, ready for JSON.
        preprocessing: How image files became the model's input, as
            `ltpa_tf.images.Preprocessing.to_dict` has it; None for its defaults.
        storage: How kernels are stored: `"float16"`, or `"int8"`, in half the bytes,
            rounded to 255 steps in each output channel. They are float32 again when
            loaded.
        softening: The share by which the preset is to make its images softer, see
            `softened`.

    Raises:
        SettingError: The folder holds something, the names don't fit, a storage that
            isn't one, or a weight that is too large for float16.

    Example:
        >>> model = models.build("vgg_att2_concat_pc", num_classes=2, width=0.125)
        >>> folder = models.save_preset(model, "presets/pets", ["cat", "dog"])
        >>> models.from_preset(folder).output_shape
        (None, 2)
    """
    directory = local(directory, "directory")
    if storage not in STORAGES:
        raise SettingError("storage", storage, one_of(STORAGES))
    outputs = model.output_shape[-1]
    if len(class_names) != outputs:
        raise SettingError("class_names", len(class_names), f"{outputs}, one an output")
    if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        raise SettingError("directory", str(directory), "a folder that is empty or new")
    settings = None
    if isinstance(model, AttentionVGG):
        settings = model.get_config()
        for own in ("name", "trainable", "dtype"):
            del settings[own]
    model = prune(as_float32(model))
    for variable in model.weights:
        largest = np.abs(keras.ops.convert_to_numpy(variable)).max(initial=0)
        if not largest <= np.finfo(np.float16).max:
            raise SettingError(
                variable.path, largest, "a weight within float16's range"
            )
    metadata = {
        "format": _FORMAT,
        "class_names": list(class_names),
        "image_shape": list(model.input_shape[1:]),
        "parameters": model.count_params(),
        "storage": storage,
        "settings": settings,
        "measured": dict(measured or {}),
        "preprocessing": dict(preprocessing or {}),
        "softening": softening,
    }
    directory.mkdir(parents=True, exist_ok=True)
    model.save_weights(directory / _WEIGHTS)
    narrow(directory / _WEIGHTS, storage)
    _write(directory / _README, _card(directory.name, metadata))
    config = keras.saving.serialize_keras_object(model)
    _write(directory / _CONFIG, json.dumps(config, indent=1))
    # Last: a folder without it is no preset.
    _write(directory / _METADATA, json.dumps(metadata, indent=2))
    return directory


def upload_preset(uri: str, preset: str | os.PathLike) -> str:
    """Puts a preset into the Hugging Face Hub, by one commit.

    It needs the extra `hf`, and a token with the right to write, in `HF_TOKEN` or from
    `hf auth login`. Made public or private is a new repository as your account has it.

    Args:
        uri: `hf://USER/NAME`; the repository is made if need be.
        preset: As for `from_preset`.

    Returns:
        The commit's address.

    Raises:
        SettingError: No such preset, without the extra, or where the Hub can't be
            reached or refuses.

    Example:
        >>> models.is_preset("hf://me/pets")  # as soon as it was uploaded
        True
    """
    folder = preset_folder(preset)
    preset_metadata(preset)
    content = {name: folder / name for name in _FILES}
    card = (folder / _README).read_text(encoding="utf-8")
    content[_README] = (_HEADER.format(uri=uri) + card).encode()
    return hub.upload(uri, content)


def preset_folder(preset: str | os.PathLike) -> Path:
    """The folder of a preset; one of a Hub is downloaded.

    Args:
        preset: As for `from_preset`.

    Raises:
        SettingError: No such preset; the nearest ones are named.
    """
    if hub.is_hub(preset):
        folder = hub.downloaded(str(preset), _FILES)
        if not (folder / _METADATA).is_file():
            raise SettingError(
                "preset", str(preset), "a repository that upload_preset has written"
            )
        return folder
    if is_preset(preset):
        return FOLDER / preset if str(preset) in list_presets() else Path(preset)
    names = list_presets()
    named = one_of(nearest(str(preset), names) or names)
    accepted = f"{named}, or a folder that save_preset has written"
    raise SettingError("preset", str(preset), accepted)


def is_preset(preset: str | os.PathLike) -> bool:
    """Whether this is a preset's name or folder, or names a repository of the Hub.

    Example:
        >>> models.is_preset("no/such/folder")
        False
    """
    return (
        hub.is_hub(preset)
        or str(preset) in list_presets()
        or (Path(preset) / _METADATA).is_file()
    )


def _damaged(file: Path, error: Exception) -> SettingError:
    # Keras wraps what it met in a layer, once for each model around it.
    while isinstance(error, TypeError) and error.__context__ is not None:
        error = error.__context__
    reason = str(error).partition("\n")[0]
    return SettingError(
        str(file),
        f"a file that can't be read ({type(error).__name__}: {reason})",
        "a whole one, as save_preset writes it",
    )


def _write(file: Path, text: str) -> None:
    file.write_text(text + "\n", encoding="utf-8")


def _card(name: str, metadata: Mapping) -> str:
    height, width, _ = metadata["image_shape"]
    size = f"{height}x{width} pixels" if height and width else "any size"
    lines = [
        f"# {name}",
        "",
        f"{metadata['parameters'] / 1e6:.2f} M parameters, stored as "
        f"{metadata['storage']}; images of {size}, "
        f"{len(metadata['class_names'])} classes.",
        "",
    ]
    if metadata["softening"]:
        share = metadata["softening"]
        lines += [
            f"It makes its images softer first, by {share:.2f}, {1 - 2 * share:.2f}, "
            f"{share:.2f} along both sides: the test images are sharper than those it "
            "was trained on.",
            "",
        ]
    lines += [
        *[f"- {key}: {value}" for key, value in metadata["measured"].items()],
        "",
        "Classes: " + ", ".join(metadata["class_names"]),
    ]
    return "\n".join(lines)
