"""gRPC requests, from the words that describe them in the table of answers."""

import ast

import numpy as np
from tensorflow.core.framework.tensor_pb2 import TensorProto
from tensorflow.core.framework.types_pb2 import DataType
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    inference_pb2,
    model_management_pb2,
    predict_pb2,
    regression_pb2,
)
from words_rest import PNG, SHAPE

SIZE = int(np.prod(SHAPE))
GARBAGE = b"\xff\xff no protobuf"
_PREDICTION, _MODEL = (
    f"/tensorflow.serving.{one}Service" for one in ("Prediction", "Model")
)
_METHODS = {
    "Predict": f"{_PREDICTION}/Predict",
    "Metadata": f"{_PREDICTION}/GetModelMetadata",
    "Classify": f"{_PREDICTION}/Classify",
    "Regress": f"{_PREDICTION}/Regress",
    "MultiInference": f"{_PREDICTION}/MultiInference",
    "Status": f"{_MODEL}/GetModelStatus",
    "Reload": f"{_MODEL}/HandleReloadConfigRequest",
}
_OTHERS = {
    "no method": f"{_PREDICTION}/Nothing",
    "no service": "/nothing.Service/Nothing",
    "SessionRun": "/tensorflow.serving.SessionService/SessionRun",
    "health": "/grpc.health.v1.Health/Check",
    "reflection": "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
}
_REQUESTS = {
    "Metadata": get_model_metadata_pb2.GetModelMetadataRequest,
    "Status": get_model_status_pb2.GetModelStatusRequest,
    "Classify": classification_pb2.ClassificationRequest,
    "Regress": regression_pb2.RegressionRequest,
    "MultiInference": inference_pb2.MultiInferenceRequest,
    "Reload": model_management_pb2.ReloadConfigRequest,
}
_SPECS = {
    "empty name": {"name": ""},
    "no spec": None,
    "no name": {"version_label": ""},
    "other model": {"name": "other"},
    "other": {"name": "other"},
    "none": {"name": "other"},
    "version": {"name": "quickstart", "version": {"value": 9}},
    "version 9": {"name": "quickstart", "version": {"value": 9}},
    "version 0": {"name": "quickstart", "version": {"value": 0}},
    "version -1": {"name": "quickstart", "version": {"value": -1}},
    "label": {"name": "quickstart", "version_label": "none"},
    "label none": {"name": "quickstart", "version_label": "none"},
    "label empty": {"name": "quickstart", "version_label": ""},
    "label stable": {"name": "quickstart", "version_label": "stable"},
}
_FIELDS = {
    "no field": [],
    "other field": ["nothing"],
    "two": ["signature_def", "nothing"],
    "twice": ["signature_def", "signature_def"],
}


def request(words: str) -> tuple[str, bytes]:
    """The method and the message."""
    if words in _OTHERS:
        return _OTHERS[words], b""
    method, _, kind = words.partition(" ")
    if kind in ("empty", "garbage"):
        return _METHODS[method], b"" if kind == "empty" else GARBAGE
    message = _predict(kind) if method == "Predict" else _other(method, kind)
    content = message.SerializeToString()
    return _METHODS[method], content[:-10] if kind == "cut" else content


def _other(method: str, kind: str):
    message = _REQUESTS[method]()
    if method in ("MultiInference", "Reload"):
        return message
    spec = _SPECS.get(kind, {"name": "quickstart"})
    message.model_spec.CopyFrom(predict_pb2.PredictRequest(model_spec=spec).model_spec)
    if method == "Metadata":
        message.metadata_field.extend(_FIELDS.get(kind, ["signature_def"]))
    if kind == "example":
        message.input.example_list.examples.add()
    return message


def _predict(kind: str) -> predict_pb2.PredictRequest:
    message = predict_pb2.PredictRequest(
        model_spec=_SPECS.get(kind, {"name": "quickstart"})
    )
    name, signature, tensor = "images", "", _tensor(int_val=[0])
    if kind.startswith("signature "):
        signature = {"space": " ", "of 10,000 letters": "x" * 10_000}.get(
            kind.removeprefix("signature "), kind.removeprefix("signature ")
        )
    elif kind.startswith("filter "):
        message.output_filter.extend(_FILTERS[kind.removeprefix("filter ")])
    elif kind.startswith("bytes ") or kind == "pixels to bytes":
        name, signature = "encoded", "serving_bytes"
        if kind != "pixels to bytes":
            tensor = _BYTES[kind.removeprefix("bytes ")]
    elif kind.startswith("dtype "):
        dtype = kind.rpartition(" ")[2]
        tensor.dtype = DataType.Value(dtype) if dtype.startswith("DT") else int(dtype)
        tensor.ClearField("int_val")
        if "no content" not in kind:
            tensor.tensor_content = bytes(SIZE)
    elif kind.startswith("shape "):
        tensor = _tensor(_shape(kind.removeprefix("shape ")), int_val=[0])
    elif kind in _TENSORS or kind.startswith(("content ", "int_val ")):
        tensor = _TENSORS[kind] if kind in _TENSORS else _values(kind)
    if signature:
        message.model_spec.signature_name = signature
    names = {
        "no inputs": [],
        "wrong input": ["pixels"],
        "extra input": ["images", "extra"],
        "empty input key": [""],
    }
    for one in names.get(kind, [name]):
        message.inputs[one].CopyFrom(tensor)
    return message


def _tensor(shape=(1, *SHAPE), dtype="DT_UINT8", **values) -> TensorProto:
    if shape is None:
        return TensorProto(dtype=dtype, tensor_shape={"unknown_rank": True}, **values)
    dims = [{"size": size} for size in shape]
    return TensorProto(dtype=dtype, tensor_shape={"dim": dims}, **values)


def _shape(text: str):
    return (1,) * 100 if text == "of many ones" else ast.literal_eval(text)


def _values(kind: str) -> TensorProto:
    """As many values more or less than the shape has."""
    field, _, amount = kind.partition(" ")
    if field == "content":
        return _tensor(tensor_content=bytes(SIZE + int(amount)))
    value = int(amount.rpartition(" ")[2])
    if amount.startswith("one value"):
        return _tensor(int_val=[value])
    if amount.startswith("value"):
        return _tensor(int_val=[value] + [0] * (SIZE - 1))
    return _tensor(int_val=[1] * (SIZE + value))


def _files(*contents: bytes, shape=(1,), **values) -> TensorProto:
    return _tensor(shape, "DT_STRING", string_val=contents, **values)


_TENSORS = {
    "float_val": _tensor(float_val=[1.0] * SIZE),
    "half of each": _tensor(
        int_val=[1] * (SIZE // 2), float_val=[1.0] * (SIZE - SIZE // 2)
    ),
}
_BYTES = {
    "text": _files(b"no image"),
    "empty": _files(b""),
    "cut": _files(PNG[:60]),
    "gif": _files(b"GIF89a" + bytes(20)),
    "scalar": _files(PNG, shape=()),
    "rank 2": _files(PNG, shape=(1, 1)),
    "count": _files(PNG, shape=(2,)),
    "more": _files(PNG, PNG),
    "33": _files(*[PNG] * 33, shape=(33,)),
    "none": _files(),
    "content": _files(tensor_content=PNG),
    "1000 of one": _files(PNG, shape=(1000,)),
}
_FILTERS = {
    "unknown": ["nothing"],
    "dup": ["probabilities", "probabilities"],
    "one": ["probabilities"],
    "empty str": [""],
    "tensor name": ["StatefulPartitionedCall:0"],
}
