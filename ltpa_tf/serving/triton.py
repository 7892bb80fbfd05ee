"""A model repository for Triton Inference Server, of a model in ONNX.

A model is a folder, `config.pbtxt`, `labels.txt` and a folder for each version with its
`model.onnx`; the folder's name is the model's. Versions share the other two.
https://github.com/triton-inference-server/server/blob/main/docs/user_guide/model_repository.md
"""

import os
from pathlib import Path

import numpy as np

from ltpa_tf.errors import SettingError
from ltpa_tf.files import write_text
from ltpa_tf.serving import onnx_file, server_files, versions
from ltpa_tf.serving.convert import Ask
from ltpa_tf.serving.extras import need
from ltpa_tf.serving.signatures import Signatures

CONFIG, LABELS, MODEL = "config.pbtxt", "labels.txt", "model.onnx"

# ONNX Runtime's name of a type -> Triton's.
_TYPES = {
    "tensor(uint8)": "TYPE_UINT8",
    "tensor(int32)": "TYPE_INT32",
    "tensor(float)": "TYPE_FP32",
    "tensor(string)": "TYPE_STRING",
}


def export(
    signatures: Signatures,
    directory: str | os.PathLike,
    images: np.ndarray,
    *,
    version: int | None = None,
    keep: int = 0,
) -> tuple[Path, Ask, float]:
    """Writes `directory/VERSION/model.onnx`, and what Triton needs beside it.

    Args:
        signatures: Of the model.
        directory: Folder of the model's versions; Triton's `--model-repository` is the
            one above.
        images: uint8 `[n, H, W, 3]`, to compare with Keras on.
        version: A positive integer that doesn't exist yet; None takes the next one.
        keep: How many of the newest versions to keep; 0 keeps all.

    Returns:
        The ONNX file, a function that asks it, and its largest difference from Keras.

    Raises:
        SettingError: If the version exists, the folder can't be written to or has
            versions of a model with other classes, inputs or outputs.
        ConversionError: As `to_onnx`.
    """
    base = Path(directory)
    version = versions.free_version(base, version, MODEL)
    with versions.new_version(base, version) as aside:
        ask, difference = onnx_file.to_onnx(signatures, aside / MODEL, images)
        tensors = _tensors(aside / MODEL)
        labels = "".join(f"{' '.join(x.split())}\n" for x in signatures.class_names)
        _write_once(base / LABELS, labels, labels)
        _write_once(base / CONFIG, _config(tensors, signatures.image_shape), tensors)
    versions.remove_old(base, keep, model=MODEL)
    return base / str(version) / MODEL, ask, difference


def _write_once(file: Path, text: str, needed: str) -> None:
    """Writes a file; one that is there, tuned by hand perhaps, stays if it fits.

    Raises:
        SettingError: If it doesn't hold what is needed.
    """
    if not file.exists():
        write_text(file, text)
    elif needed not in file.read_text(encoding="utf-8"):
        raise SettingError(
            str(file),
            "a file of a model with other classes, inputs or outputs",
            "versions of one model; export this one into another folder",
        )


def _tensors(file: Path) -> str:
    """The part of the configuration that follows from the ONNX file."""
    session = need("onnxruntime", "onnx").InferenceSession(
        file, providers=["CPUExecutionProvider"]
    )
    inputs = "".join(_tensor("input", one) for one in session.get_inputs())
    return inputs + "".join(_tensor("output", one) for one in session.get_outputs())


def _tensor(kind: str, node) -> str:
    dims = node.shape[1:]
    # Triton counts no batch among the dimensions, and wants one at least.
    shape = f"dims: {dims}" if dims else "dims: [1] reshape { shape: [] }"
    labels = f' label_filename: "{LABELS}"' if node.name == "probabilities" else ""
    name, kind_of = server_files.quoted(node.name), _TYPES[node.type]
    return f"{kind} {{ name: {name} data_type: {kind_of} {shape}{labels} }}\n"


def _config(tensors: str, image_shape: tuple[int, ...]) -> str:
    images = f"data_type: TYPE_UINT8 dims: {[*image_shape]} zero_data: true"
    warmup = "".join(
        f'model_warmup {{ name: "{size}" batch_size: {size} '
        f'inputs {{ key: "images" value {{ {images} }} }} }}\n'
        for size in server_files.BATCH_SIZES
    )
    return f"""# The model's name is that of its folder.
backend: "onnxruntime"
max_batch_size: {server_files.BATCH_SIZES[-1]}
{tensors}dynamic_batching {{ max_queue_delay_microseconds: 2000 }}
{warmup}"""
