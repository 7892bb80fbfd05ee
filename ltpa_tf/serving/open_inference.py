"""The Open Inference Protocol's messages and tensors, as far as we send and read them.

Also called KServe's V2 protocol: KServe, Triton, MLServer and others speak it.
Numbers and types are those of `inference/grpc_service.proto`; names of packages don't
travel. https://github.com/kserve/open-inference-protocol
"""

import struct
from collections.abc import Sequence
from typing import Any

import numpy as np
from google.protobuf.message import Message

from ltpa_tf.serving.protos import message_classes

SERVICE = "inference.GRPCInferenceService"
BINARY_EXTENSION = "binary_tensor_data"
"""Its name in a server's metadata; tensors then follow the JSON as bytes."""
HEADER_LENGTH = "Inference-Header-Content-Length"
"""The HTTP header with the number of bytes of JSON before them."""

_TENSOR = {
    "name": (1, "string"),
    "datatype": (2, "string"),
    "shape": (3, "repeated int64"),
}
_PARAMETERS = "map string InferParameter"
_ASKED = {"name": (1, "string"), "version": (2, "string")}
MESSAGES = message_classes(
    "ltpa_tf.serving.open_inference",
    {
        "ServerLiveRequest": {},
        "ServerLiveResponse": {"live": (1, "bool")},
        "ServerReadyRequest": {},
        "ServerReadyResponse": {"ready": (1, "bool")},
        "ModelReadyRequest": _ASKED,
        "ModelReadyResponse": {"ready": (1, "bool")},
        "ServerMetadataRequest": {},
        "ServerMetadataResponse": {
            "name": (1, "string"),
            "version": (2, "string"),
            "extensions": (3, "repeated string"),
        },
        "ModelMetadataRequest": _ASKED,
        "TensorMetadata": _TENSOR,
        "ModelMetadataResponse": {
            "name": (1, "string"),
            "versions": (2, "repeated string"),
            "platform": (3, "string"),
            "inputs": (4, "repeated TensorMetadata"),
            "outputs": (5, "repeated TensorMetadata"),
        },
        "InferParameter": {},  # none is understood; their names are read
        "InferTensorContents": {
            "int_contents": (2, "repeated int32"),
            "int64_contents": (3, "repeated int64"),
            "uint_contents": (4, "repeated uint32"),
            "fp32_contents": (6, "repeated float"),
            "bytes_contents": (8, "repeated bytes"),
        },
        "InferInputTensor": {
            **_TENSOR,
            "parameters": (4, _PARAMETERS),
            "contents": (5, "InferTensorContents"),
        },
        "InferRequestedOutputTensor": {
            "name": (1, "string"),
            "parameters": (2, _PARAMETERS),
        },
        "ModelInferRequest": {
            "model_name": (1, "string"),
            "model_version": (2, "string"),
            "id": (3, "string"),
            "parameters": (4, _PARAMETERS),
            "inputs": (5, "repeated InferInputTensor"),
            "outputs": (6, "repeated InferRequestedOutputTensor"),
            "raw_input_contents": (7, "repeated bytes"),
        },
        "InferOutputTensor": {**_TENSOR, "contents": (5, "InferTensorContents")},
        "ModelInferResponse": {
            "model_name": (1, "string"),
            "model_version": (2, "string"),
            "id": (3, "string"),
            "outputs": (5, "repeated InferOutputTensor"),
            "raw_output_contents": (6, "repeated bytes"),
        },
    },
)

# Protocol's name of a type -> NumPy's, and the field of gRPC that holds such values.
_TYPES = {
    "UINT8": (np.dtype(np.uint8), "uint_contents"),
    "INT8": (np.dtype(np.int8), "int_contents"),
    "INT32": (np.dtype(np.int32), "int_contents"),
    "INT64": (np.dtype(np.int64), "int64_contents"),
    "FP32": (np.dtype(np.float32), "fp32_contents"),
    "BYTES": (np.dtype(object), "bytes_contents"),
}
_NAMES = {dtype: name for name, (dtype, _) in _TYPES.items()}


def datatype(dtype: np.dtype) -> str:
    """The protocol's name of a type that exports have."""
    return _NAMES[np.dtype(dtype)]


def as_tensor(batch: np.ndarray | Sequence[bytes]) -> np.ndarray:
    """uint8 images `[batch, ...]`, or the bytes of files, as an array."""
    if isinstance(batch, np.ndarray):
        return batch.astype(np.uint8, casting="safe", copy=False)
    return strings(batch, (len(batch),))


def to_bytes(array: np.ndarray) -> bytes:
    """An array's content; of bytes or text each with its length, 4 bytes, before it."""
    if array.dtype != object:
        return array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes()
    parts = []
    for one in array.ravel().tolist():
        parts += [struct.pack("<I", len(one)), one]
    return b"".join(parts)


def from_bytes(content: bytes, name: str, shape: Sequence[int]) -> np.ndarray:
    """What `to_bytes` has written, of the protocol's type `name`.

    Raises:
        ValueError: If the content doesn't fit the type and shape.
    """
    dtype = _dtype(name)
    count = int(np.prod(shape, dtype=object))
    if not dtype.hasobject:
        if len(content) != count * dtype.itemsize:
            raise ValueError(
                f"{len(content)} bytes, must be {count * dtype.itemsize} for {name} of "
                f"shape {[*shape]}"
            )
        return np.frombuffer(content, dtype.newbyteorder("<")).reshape(shape)
    return strings(_split(content), shape)


def from_contents(contents: Message, name: str, shape: Sequence[int]) -> np.ndarray:
    """The values that gRPC holds in fields of their types.

    Raises:
        ValueError: If there are too few or too many for the shape, or they don't fit
            the type.
    """
    is_text, field = _dtype(name).hasobject, _TYPES[name][1]
    values = list(getattr(contents, field))
    return strings(values, shape) if is_text else fitting(values, name, shape)


def from_json(values: Sequence, name: str, shape: Sequence[int]) -> np.ndarray:
    """The values of a tensor's `data`, of the protocol's type `name`.

    Raises:
        ValueError: If they don't fit the type and shape.
    """
    if _dtype(name).hasobject:
        return strings([one.encode() for one in values], shape)
    return fitting(values, name, shape)


def fitting(
    values: np.ndarray | Sequence[float], name: str, shape: Sequence[int]
) -> np.ndarray:
    """Numbers as an array of the protocol's type `name`.

    Raises:
        ValueError: If there are too few or too many for the shape, or they don't fit
            the type.
    """
    dtype, values = _dtype(name), np.asarray(values)
    if values.size != int(np.prod(shape, dtype=object)):
        raise ValueError(f"{values.size} values for the shape {[*shape]}")
    if dtype.kind in "iu" and values.size:
        allowed = np.iinfo(dtype)
        if values.min() < allowed.min or values.max() > allowed.max:
            raise ValueError(f"values from {values.min()} to {values.max()} as {name}")
    return values.astype(dtype).reshape(shape)


def strings(values: Sequence[Any], shape: Sequence[int]) -> np.ndarray:
    """Bytes as an array.

    Raises:
        ValueError: If there are too few or too many for the shape.
    """
    array = np.empty(len(values), object)
    array[:] = values
    if len(values) != int(np.prod(shape, dtype=object)):
        raise ValueError(f"{len(values)} values for the shape {[*shape]}")
    return array.reshape(shape)


def described(name: str, array: np.ndarray) -> dict[str, Any]:
    """Name, type and shape of a tensor, as both transports have them."""
    return {"name": name, "datatype": datatype(array.dtype), "shape": [*array.shape]}


def _dtype(name: str) -> np.dtype:
    if name not in _TYPES:
        raise ValueError(f"tensors of type {name} are not read here")
    return _TYPES[name][0]


def _split(content: bytes) -> list[bytes]:
    found, position = [], 0
    while position < len(content):
        if position + 4 > len(content):
            raise ValueError("a length of BYTES that is cut off")
        (length,) = struct.unpack_from("<I", content, position)
        position += 4
        if position + length > len(content):
            raise ValueError(f"BYTES of length {length} that are cut off")
        found.append(content[position : position + length])
        position += length
    return found
