"""TensorFlow Serving's gRPC surface, over the same versions and engine."""

from concurrent import futures

import grpc
import numpy as np
import tensorflow as tf
from tensorflow.core.framework import tensor_pb2
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)

from ltpa_tf.serving.sentences import sentence
from ltpa_tf.serving.server.engine import Engine
from ltpa_tf.serving.server.repository import Repository, Version
from ltpa_tf.serving.server.request_error import RequestError

_CODES = {400: grpc.StatusCode.INVALID_ARGUMENT, 404: grpc.StatusCode.NOT_FOUND}


def start(
    repository: Repository, engine: Engine, address: str, max_batch: int, max_body: int
) -> tuple[grpc.Server, int]:
    """Starts the gRPC server.

    Returns:
        The server, and the port it listens on.
    """
    server = grpc.server(
        futures.ThreadPoolExecutor(32, "grpc"),
        options=[
            ("grpc.max_receive_message_length", max_body),
            ("grpc.so_reuseport", 0),
        ],
    )
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(
        _Predictions(repository, engine, max_batch), server
    )
    model_service_pb2_grpc.add_ModelServiceServicer_to_server(
        _Models(repository), server
    )
    port = server.add_insecure_port(address)
    server.start()
    return server, port


class _Predictions(prediction_service_pb2_grpc.PredictionServiceServicer):
    def __init__(self, repository: Repository, engine: Engine, max_batch: int):
        self._repository = repository
        self._engine = engine
        self._max_batch = max_batch

    def Predict(self, request, context):
        try:
            version = _version(self._repository, request.model_spec)
            signature = request.model_spec.signature_name or "serving_default"
            specs = version.specs(signature)
            inputs = _inputs(request, specs, self._max_batch)
            outputs = self._engine.submit(
                version.signatures[signature], inputs
            ).result()
        except RequestError as error:
            context.abort(_CODES[error.status], str(error))
        except tf.errors.InvalidArgumentError as error:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, sentence(error.message))
        unknown = set(request.output_filter) - set(outputs)
        if unknown:
            context.abort(
                grpc.StatusCode.INVALID_ARGUMENT,
                f"output tensor alias not found in signature: {sorted(unknown)[0]}",
            )
        response = predict_pb2.PredictResponse()
        response.model_spec.name = self._repository.name
        response.model_spec.signature_name = signature
        response.model_spec.version.value = version.number
        for name in request.output_filter or outputs:
            _fill(response.outputs[name], outputs[name])
        return response

    def GetModelMetadata(self, request, context):
        try:
            version = _version(self._repository, request.model_spec)
        except RequestError as error:
            context.abort(_CODES[error.status], str(error))
        response = get_model_metadata_pb2.GetModelMetadataResponse()
        response.model_spec.name = self._repository.name
        response.model_spec.version.value = version.number
        signatures = get_model_metadata_pb2.SignatureDefMap(
            signature_def=version.definitions
        )
        response.metadata["signature_def"].Pack(signatures)
        return response


class _Models(model_service_pb2_grpc.ModelServiceServicer):
    def __init__(self, repository: Repository):
        self._repository = repository

    def GetModelStatus(self, request, context):
        states = self._repository.states()
        try:
            spec = request.model_spec
            version = _version(self._repository, spec)
            if spec.HasField("version") or spec.version_label:
                states = {version.number: states[version.number]}
        except RequestError as error:
            context.abort(_CODES[error.status], str(error))
        response = get_model_status_pb2.GetModelStatusResponse()
        kind = get_model_status_pb2.ModelVersionStatus
        for number, (state, message) in states.items():
            one = response.model_version_status.add(
                version=number, state=kind.State.Value(state)
            )
            one.status.error_message = message
        return response


def _version(repository: Repository, spec) -> Version:
    if spec.name != repository.name:
        raise RequestError(404, f"Servable not found for request: Latest({spec.name})")
    number = spec.version.value if spec.HasField("version") else None
    return repository.find(number, spec.version_label or None)


def _inputs(request, specs: dict, max_batch: int) -> dict[str, np.ndarray]:
    if set(request.inputs) != set(specs):
        raise RequestError(
            400, f"The inputs are {sorted(specs)}, not {sorted(request.inputs)}"
        )
    return {
        name: _array(name, request.inputs[name], spec, max_batch)
        for name, spec in specs.items()
    }


def _array(
    name: str, proto: tensor_pb2.TensorProto, spec: tf.TensorSpec, max_batch: int
) -> np.ndarray:
    """The tensor of one input.

    Its type and shape are looked at before it is made: a few bytes can claim gigabytes.
    """
    try:
        dtype = tf.dtypes.as_dtype(proto.dtype)
        shape = tf.TensorShape(proto.tensor_shape)
    except (TypeError, ValueError) as error:
        raise RequestError(400, f"{name}: no valid tensor: {error}") from None
    if dtype != spec.dtype:
        raise RequestError(
            400, f"{name}: the type is {dtype.name}, must be {spec.dtype.name}"
        )
    if not (shape.is_fully_defined() and spec.shape.is_compatible_with(shape)):
        wanted = [-1 if size is None else size for size in spec.shape]
        raise RequestError(400, f"{name}: the shape is {shape}, must be {wanted}")
    if not 0 < shape[0] <= max_batch:
        raise RequestError(
            400, f"{name}: a batch of {shape[0]}, must be 1 to {max_batch}"
        )
    try:
        return tf.make_ndarray(proto)
    except (TypeError, ValueError, OverflowError, MemoryError) as error:
        raise RequestError(400, f"{name}: no valid tensor: {error}") from None


def _fill(proto: tensor_pb2.TensorProto, array: np.ndarray) -> None:
    """Writes an array; `tf.make_tensor_proto` takes three times as long for numbers."""
    if array.dtype == object:
        proto.CopyFrom(tf.make_tensor_proto(array))
        return
    proto.dtype = tf.as_dtype(array.dtype).as_datatype_enum
    for size in array.shape:
        proto.tensor_shape.dim.add(size=size)
    proto.tensor_content = array.tobytes()
