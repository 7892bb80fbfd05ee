"""TensorFlow Serving's gRPC surface, as a client sees it."""

import json
from collections.abc import Sequence

import grpc
import numpy as np
from google.protobuf.message import Message

from ltpa_tf.serving.client import messages
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
        self._spec = messages.ModelSpec(name=model)
        if version is not None:
            self._spec.version.value = version
        elif label is not None:
            self._spec.version_label = label
        self._timeout = timeout

    def ask(self, signature: str, name: str, batch: Sequence) -> dict[str, np.ndarray]:
        """Output name -> array."""
        request = messages.PredictRequest(model_spec=self._spec)
        request.model_spec.signature_name = signature
        request.inputs[name].CopyFrom(messages.to_tensor(batch))
        response = self._send(
            "PredictionService/Predict", request, messages.PredictResponse
        )
        return {k: messages.to_array(value) for k, value in response.outputs.items()}

    def signatures(self) -> dict[str, dict[str, list[int]]]:
        """Signature name -> input name -> shape."""
        request = messages.GetModelMetadataRequest(
            model_spec=self._spec, metadata_field=["signature_def"]
        )
        response = self._send(
            "PredictionService/GetModelMetadata",
            request,
            messages.GetModelMetadataResponse,
        )
        found = messages.SignatureDefMap.FromString(
            response.metadata["signature_def"].value
        )
        return {
            signature: {
                name: [dim.size for dim in info.tensor_shape.dim]
                for name, info in definition.inputs.items()
            }
            for signature, definition in found.signature_def.items()
        }

    def states(self) -> dict[int, str]:
        """Version -> state."""
        request = messages.GetModelStatusRequest()
        request.model_spec.name = self._spec.name
        response = self._send(
            "ModelService/GetModelStatus", request, messages.GetModelStatusResponse
        )
        return {
            one.version: messages.STATES.get(one.state, "UNKNOWN")
            for one in response.model_version_status
        }

    def close(self) -> None:
        """Closes the connection."""
        self._channel.close()

    def _send(self, method: str, request: Message, answer: type[Message]) -> Message:
        call = self._channel.unary_unary(
            f"/tensorflow.serving.{method}",
            request_serializer=type(request).SerializeToString,
            response_deserializer=answer.FromString,
        )
        try:
            return call(request, timeout=self._timeout)
        except grpc.RpcError as error:
            text = f"{self._address}: {sentence(error.details() or '')}"
            raise _KINDS.get(error.code(), ServerFailed)(text) from error
