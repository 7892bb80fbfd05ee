"""TensorFlow Serving's gRPC surface, as a client sees it."""

from collections.abc import Sequence

import numpy as np
from google.protobuf.message import Message

from ltpa_tf.serving.client import messages
from ltpa_tf.serving.client.channel import GrpcConnection


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
        self._connection = GrpcConnection(address, timeout, retries)
        self._spec = messages.ModelSpec(name=model)
        if version is not None:
            self._spec.version.value = version
        elif label is not None:
            self._spec.version_label = label

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
        self._connection.close()

    def _send(self, method: str, request: Message, answer: type[Message]) -> Message:
        return self._connection.send(f"tensorflow.serving.{method}", request, answer)
