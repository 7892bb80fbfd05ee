"""TensorFlow Serving's gRPC surface, as a client sees it."""

import json
from collections.abc import Sequence

import grpc
import numpy as np
import tensorflow as tf
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)

from ltpa_tf.serving.client.transport import (
    BACKOFF,
    NotServed,
    RequestRefused,
    ServerFailed,
    ServerUnreachable,
)
from ltpa_tf.serving.sentences import sentence

_KINDS = {
    grpc.StatusCode.UNAVAILABLE: ServerUnreachable,
    grpc.StatusCode.DEADLINE_EXCEEDED: ServerUnreachable,
    grpc.StatusCode.NOT_FOUND: NotServed,
    grpc.StatusCode.INVALID_ARGUMENT: RequestRefused,
    grpc.StatusCode.FAILED_PRECONDITION: RequestRefused,
}


class GrpcTransport:
    """A connection over gRPC, not encrypted.

    Args:
        address: Such as `127.0.0.1:8500`.
        model: Name of the model.
        version: A version, or None.
        label: A label, or None.
        timeout: Seconds that one request may take, with all its retries.
        retries: How often a request is tried again, at most 4.
    """

    def __init__(
        self,
        address: str,
        model: str,
        version: int | None,
        label: str | None,
        timeout: float,
        retries: int,
    ):
        policy = {
            "maxAttempts": min(retries, 4) + 1,
            "initialBackoff": f"{BACKOFF}s",
            "maxBackoff": "5s",
            "backoffMultiplier": 2,
            # The second: all threads of the server wait for their batches.
            "retryableStatusCodes": ["UNAVAILABLE", "RESOURCE_EXHAUSTED"],
        }
        config = {"methodConfig": [{"name": [{}], "retryPolicy": policy}]}
        options = [("grpc.max_receive_message_length", -1)]
        if retries:
            options.append(("grpc.service_config", json.dumps(config)))
        self._address = address
        self._channel = grpc.insecure_channel(address, options)
        self._predictions = prediction_service_pb2_grpc.PredictionServiceStub(
            self._channel
        )
        self._models = model_service_pb2_grpc.ModelServiceStub(self._channel)
        self._spec = predict_pb2.PredictRequest().model_spec
        self._spec.name = model
        if version is not None:
            self._spec.version.value = version
        elif label is not None:
            self._spec.version_label = label
        self._timeout = timeout

    def ask(self, signature: str, name: str, batch: Sequence) -> dict[str, np.ndarray]:
        """Output name -> array."""
        request = predict_pb2.PredictRequest(model_spec=self._spec)
        request.model_spec.signature_name = signature
        dtype = batch.dtype if isinstance(batch, np.ndarray) else tf.string
        request.inputs[name].CopyFrom(tf.make_tensor_proto(batch, dtype))
        response = self._send(self._predictions.Predict, request)
        return {key: tf.make_ndarray(value) for key, value in response.outputs.items()}

    def signatures(self) -> dict[str, dict[str, list[int]]]:
        """Signature name -> input name -> shape."""
        request = get_model_metadata_pb2.GetModelMetadataRequest(
            model_spec=self._spec, metadata_field=["signature_def"]
        )
        response = self._send(self._predictions.GetModelMetadata, request)
        found = get_model_metadata_pb2.SignatureDefMap()
        response.metadata["signature_def"].Unpack(found)
        return {
            signature: {
                name: [dim.size for dim in info.tensor_shape.dim]
                for name, info in definition.inputs.items()
            }
            for signature, definition in found.signature_def.items()
        }

    def states(self) -> dict[int, str]:
        """Version -> state."""
        request = get_model_status_pb2.GetModelStatusRequest()
        request.model_spec.name = self._spec.name
        response = self._send(self._models.GetModelStatus, request)
        state = get_model_status_pb2.ModelVersionStatus.State
        return {
            one.version: state.Name(one.state) for one in response.model_version_status
        }

    def close(self) -> None:
        """Closes the connection."""
        self._channel.close()

    def _send(self, method, request):
        try:
            return method(request, timeout=self._timeout)
        except grpc.RpcError as error:
            text = f"{self._address}: {sentence(error.details() or '')}"
            raise _KINDS.get(error.code(), ServerFailed)(text) from error
