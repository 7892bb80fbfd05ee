"""TensorFlow Serving's messages, as far as a client sends and reads them.

The package tensorflow-serving-api has all of them, and imports TensorFlow, which takes
seconds and a gigabyte that a client doesn't need. Numbers and types are those of
tensorflow/serving's `apis/` and tensorflow's `core/framework/tensor.proto`; names of
packages don't travel.
"""

from collections.abc import Sequence

import numpy as np
from google.protobuf.message import Message

from ltpa_tf.serving.protos import message_classes

_CLASSES = message_classes(
    "ltpa_tf.serving.client",
    {
        "ModelSpec": {
            "name": (1, "string"),
            "version": (2, "google.protobuf.Int64Value"),
            "signature_name": (3, "string"),
            "version_label": (4, "string"),
        },
        "Dim": {"size": (1, "int64")},
        "Shape": {"dim": (2, "repeated Dim")},
        "Tensor": {
            "dtype": (1, "int32"),
            "tensor_shape": (2, "Shape"),
            "tensor_content": (4, "bytes"),
            "float_val": (5, "repeated float"),
            "int_val": (7, "repeated int32"),
            "string_val": (8, "repeated bytes"),
            "int64_val": (10, "repeated int64"),
        },
        "PredictRequest": {
            "model_spec": (1, "ModelSpec"),
            "inputs": (2, "map string Tensor"),
        },
        "PredictResponse": {"outputs": (1, "map string Tensor")},
        "TensorInfo": {"tensor_shape": (3, "Shape")},
        "SignatureDef": {"inputs": (1, "map string TensorInfo")},
        "SignatureDefMap": {"signature_def": (1, "map string SignatureDef")},
        "GetModelMetadataRequest": {
            "model_spec": (1, "ModelSpec"),
            "metadata_field": (2, "repeated string"),
        },
        "GetModelMetadataResponse": {
            "metadata": (2, "map string google.protobuf.Any"),
        },
        "GetModelStatusRequest": {"model_spec": (1, "ModelSpec")},
        "ModelVersionStatus": {"version": (1, "int64"), "state": (2, "int32")},
        "GetModelStatusResponse": {
            "model_version_status": (1, "repeated ModelVersionStatus"),
        },
    },
)
ModelSpec = _CLASSES["ModelSpec"]
PredictRequest = _CLASSES["PredictRequest"]
PredictResponse = _CLASSES["PredictResponse"]
Tensor = _CLASSES["Tensor"]
TensorInfo = _CLASSES["TensorInfo"]
SignatureDef = _CLASSES["SignatureDef"]
SignatureDefMap = _CLASSES["SignatureDefMap"]
GetModelMetadataRequest = _CLASSES["GetModelMetadataRequest"]
GetModelMetadataResponse = _CLASSES["GetModelMetadataResponse"]
GetModelStatusRequest = _CLASSES["GetModelStatusRequest"]
GetModelStatusResponse = _CLASSES["GetModelStatusResponse"]
STATES = {
    0: "UNKNOWN",
    10: "START",
    20: "LOADING",
    30: "AVAILABLE",
    40: "UNLOADING",
    50: "END",
}

# TensorFlow's number of a type -> NumPy's, and the field that holds such values.
_TYPES = {
    1: (np.float32, "float_val"),
    3: (np.int32, "int_val"),
    4: (np.uint8, "int_val"),
    7: (object, "string_val"),
    9: (np.int64, "int64_val"),
}
_STRING, _UINT8 = 7, 4


def to_tensor(batch: np.ndarray | Sequence[bytes]) -> Message:
    """uint8 images `[batch, ...]`, or the bytes of files, as a request has them."""
    tensor = Tensor()
    if isinstance(batch, np.ndarray):
        tensor.dtype, shape = _UINT8, batch.shape
        tensor.tensor_content = batch.astype(np.uint8, casting="safe").tobytes()
    else:
        tensor.dtype, shape = _STRING, (len(batch),)
        tensor.string_val.extend(batch)
    for size in shape:
        tensor.tensor_shape.dim.add(size=size)
    return tensor


def to_array(tensor: Message) -> np.ndarray:
    """A response's tensor as an array; strings as bytes.

    Raises:
        ValueError: If it is of a type that no export gives.
    """
    shape = [dim.size for dim in tensor.tensor_shape.dim]
    if tensor.dtype not in _TYPES:
        raise ValueError(f"a tensor of TensorFlow's type number {tensor.dtype}")
    kind, field = _TYPES[tensor.dtype]
    if tensor.tensor_content:
        return np.frombuffer(tensor.tensor_content, kind).reshape(shape)
    values = np.array(getattr(tensor, field), kind)
    # A tail of equal values may be written once.
    missing = int(np.prod(shape)) - len(values)
    return np.pad(values, (0, missing), "edge").reshape(shape)
