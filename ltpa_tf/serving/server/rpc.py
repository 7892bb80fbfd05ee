"""TensorFlow Serving's gRPC surface, and beside it the other protocol's."""

from concurrent.futures import ThreadPoolExecutor

import grpc
import numpy as np
import tensorflow as tf
from tensorflow.core.framework.tensor_pb2 import TensorProto
from tensorflow.core.protobuf.meta_graph_pb2 import TensorInfo
from tensorflow_serving.apis import (
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)

from ltpa_tf.serving.server import answers, open_inference_rpc
from ltpa_tf.serving.server.repository import Repository
from ltpa_tf.serving.server.request_error import RequestError, refusing
from ltpa_tf.serving.server.version import Version


def start(
    repository: Repository, pool: ThreadPoolExecutor, address: str, max_body: int
) -> tuple[grpc.Server, int]:
    """Starts the gRPC server.

    Returns:
        The server, and the port it listens on.
    """
    server = grpc.server(
        pool,
        options=[
            ("grpc.max_receive_message_length", max_body),
            ("grpc.so_reuseport", 0),
        ],
    )
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(
        _Predictions(repository), server
    )
    model_service_pb2_grpc.add_ModelServiceServicer_to_server(
        _Models(repository), server
    )
    server.add_generic_rpc_handlers((open_inference_rpc.handler(repository),))
    port = server.add_insecure_port(address)
    server.start()
    return server, port


class _Predictions(prediction_service_pb2_grpc.PredictionServiceServicer):
    def __init__(self, repository: Repository):
        self._repository = repository

    def Predict(self, request, context):
        with refusing(context):
            version = _version(self._repository, request.model_spec)
            signature = request.model_spec.signature_name or "serving_default"
            infos, protos = version.inputs(signature), dict(request.inputs)
            if set(protos) != set(infos):
                raise RequestError(
                    f"the inputs are {sorted(infos)}, not {sorted(protos)}"
                )
            known, wanted = version.outputs(signature), list(request.output_filter)
            if not set(wanted) <= set(known) or len(set(wanted)) < len(wanted):
                raise RequestError(
                    f"output_filter {wanted}: each once, of {sorted(known)}"
                )
            inputs = {
                name: _array(version, name, protos[name], info)
                for name, info in infos.items()
            }
            outputs = version.run(signature, inputs)
        response = predict_pb2.PredictResponse()
        response.model_spec.name = self._repository.name
        response.model_spec.signature_name = signature
        response.model_spec.version.value = version.number
        for name in wanted or outputs:
            _fill(response.outputs[name], outputs[name])
        return response

    def GetModelMetadata(self, request, context):
        with refusing(context):
            if set(request.metadata_field) != {"signature_def"}:
                raise RequestError(
                    f"metadata_field is {[*request.metadata_field]}, must be "
                    "['signature_def']",
                )
            version = _version(self._repository, request.model_spec)
            return answers.metadata(self._repository, version)[0]

    def Classify(self, request, context):
        """No signature of ours is for this, nor for the next two."""
        with refusing(context):
            _version(self._repository, request.model_spec)
            raise RequestError("only signatures for Predict are here")

    Regress = Classify

    def MultiInference(self, _request, context):
        context.abort(
            grpc.StatusCode.INVALID_ARGUMENT, "only signatures for Predict are here"
        )


class _Models(model_service_pb2_grpc.ModelServiceServicer):
    def __init__(self, repository: Repository):
        self._repository = repository

    def GetModelStatus(self, request, context):
        with refusing(context):
            if not request.HasField("model_spec"):
                raise RequestError("Missing ModelSpec")
            spec = request.model_spec
            return answers.status(self._repository, spec.name, _number(spec))

    def HandleReloadConfigRequest(self, _request, context):
        context.abort(
            grpc.StatusCode.INVALID_ARGUMENT, "models.config is reloaded, not a request"
        )


def _number(spec) -> int | None:
    return spec.version.value if spec.HasField("version") else None


def _version(repository: Repository, spec) -> Version:
    label = spec.version_label if spec.HasField("version_label") else None
    return repository.find(spec.name, _number(spec), label)


def _array(
    version: Version, name: str, proto: TensorProto, info: TensorInfo
) -> np.ndarray:
    """The tensor of one input, made as a real server makes it.

    Its type and shape are looked at before: a few bytes can claim gigabytes.
    """
    shape = [one.size for one in proto.tensor_shape.dim]
    version.check(name, info, proto.dtype, shape)
    try:
        return tf.io.parse_tensor(proto.SerializeToString(), info.dtype).numpy()
    except tf.errors.InvalidArgumentError:  # its text quotes all of the tensor
        raise RequestError(
            f"{name}: the content doesn't fit the shape {shape}"
        ) from None


def _fill(proto: TensorProto, array: np.ndarray) -> None:
    """Writes an array; `tf.make_tensor_proto` takes three times as long for numbers."""
    if array.dtype == object:
        proto.CopyFrom(tf.make_tensor_proto(array))
        return
    proto.dtype = tf.as_dtype(array.dtype).as_datatype_enum
    for size in array.shape:
        proto.tensor_shape.dim.add(size=size)
    proto.tensor_content = array.tobytes()
