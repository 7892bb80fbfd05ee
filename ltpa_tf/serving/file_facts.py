"""Metadata of LiteRT and ONNX files: classes, and how inputs are made."""

import json
import zipfile
from collections.abc import Sequence
from pathlib import Path

from ltpa_tf.images import Preprocessing

_PREPROCESSING = """\
Input "images": uint8 [batch, {height}, {width}, {channels}], values 0 to 255, red, \
green, blue, rows from the top. Normalization is part of the model.
Images of another size are {fitted}: bilinearly to {height}x{width}, antialiased where \
they shrink to less than 0.4 of a side; before, they are turned as EXIF says, and laid \
on {background} where they are transparent; 16-bit values {low} to {high} are 0 to 255.
JPEG files were decoded by TensorFlow (decode_image: the fast DCT) for training. \
Pillow and OpenCV decode by the exact one: their pixels differ by a few of 255.
"""


def facts(
    class_names: Sequence[str], image_shape: tuple[int, ...], chosen: Preprocessing
) -> dict[str, str]:
    """File name -> text: the classes in the order of outputs, how to make inputs.

    Args:
        class_names: K names.
        image_shape: (H, W, channels).
        chosen: How files become that.
    """
    height, width, channels = image_shape
    low, high = chosen.limits
    return {
        "class_names.json": json.dumps(list(class_names), ensure_ascii=False),
        "preprocessing.txt": _PREPROCESSING.format(
            height=height,
            width=width,
            channels=channels,
            fitted=chosen.in_words(),
            background=chosen.background,
            low=low,
            high=high,
        ),
    }


def into_onnx(file: Path, texts: dict[str, str]) -> None:
    """As metadata of the model, by the names without suffix.

    onnxruntime: `session.get_modelmeta().custom_metadata_map["class_names"]`.
    """
    import onnx

    model = onnx.load(file)
    onnx.helper.set_model_props(
        model, {name.partition(".")[0]: text for name, text in texts.items()}
    )
    onnx.save(model, file)


def into_litert(file: Path, texts: dict[str, str]) -> None:
    """As files of a zip archive behind the model, as LiteRT's metadata has them.

    Interpreters don't see them; `unzip -p FILE class_names.json` reads them.
    """
    with zipfile.ZipFile(file, "a", zipfile.ZIP_DEFLATED) as archive:
        for name, text in texts.items():
            archive.writestr(name, text)
