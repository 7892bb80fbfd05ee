"""The Open Inference Protocol over gRPC, as a client sees it."""

import contextlib
import functools
from collections.abc import Sequence

import numpy as np
from google.protobuf.message import Message

from ltpa_tf.serving import open_inference as protocol
from ltpa_tf.serving.client import open_inference as models
from ltpa_tf.serving.client.channel import GrpcConnection
from ltpa_tf.serving.client.transport import NotServed, RequestRefused, ServerFailed


class OpenInferenceGrpc:
    """A connection over gRPC, not encrypted.

    Args:
        address: Such as `127.0.0.1:8001`.
        model: Name of the model.
        version: A version, or None.
        timeout: Seconds that one request may take, with all its retries.
        retries: How often a request is tried again, at most 4.
    """

    def __init__(
        self,
        address: str,
        model: str,
        version: int | None,
        timeout: float,
        retries: int,
    ):
        self._model = model
        self._version = "" if version is None else str(version)
        self._connection = GrpcConnection(address, timeout, retries)

    def ask(self, signature: str, name: str, batch: Sequence) -> dict[str, np.ndarray]:
        """Output name -> array."""
        array = protocol.as_tensor(batch)
        of_files = signature.endswith(models.FILES)
        known = self._of_files if of_files else self._metadata
        names = [one.name for one in known.outputs]
        response = self._send(
            "ModelInfer",
            model_name=models.model_of(self._model, signature),
            model_version=self._version,
            inputs=[protocol.described(name, array)],
            outputs=[{"name": one} for one in models.outputs_of(signature, names)],
            raw_input_contents=[protocol.to_bytes(array)],
        )
        try:
            return _read(response)
        except ValueError as error:
            raise ServerFailed(f"a strange answer: {error}") from None

    def signatures(self) -> dict[str, dict[str, list[int]]]:
        """Signature name -> input name -> shape."""
        files = self._of_files and _shapes(self._of_files.inputs)
        outputs = [one.name for one in self._metadata.outputs]
        return models.signatures(_shapes(self._metadata.inputs), outputs, files)

    def states(self) -> dict[int, str]:
        """Version -> state; servers name those that are available."""
        return dict.fromkeys(map(int, self._metadata.versions), "AVAILABLE")

    def close(self) -> None:
        """Closes the connection."""
        self._connection.close()

    @functools.cached_property
    def _metadata(self) -> Message:
        return self._described(self._model)

    @functools.cached_property
    def _of_files(self) -> Message | None:
        """Of the same model that takes files; None if there is no such."""
        with contextlib.suppress(NotServed, RequestRefused):  # with an ONNX file, say
            return self._described(self._model + models.FILES)
        return None

    def _described(self, model: str) -> Message:
        return self._send("ModelMetadata", name=model, version=self._version)

    def _send(self, method: str, **fields) -> Message:
        return self._connection.send(
            f"{protocol.SERVICE}/{method}",
            protocol.MESSAGES[f"{method}Request"](**fields),
            protocol.MESSAGES[f"{method}Response"],
        )


def _read(response: Message) -> dict[str, np.ndarray]:
    raw = response.raw_output_contents
    if raw and len(raw) != len(response.outputs):
        raise ValueError(f"{len(raw)} raw contents of {len(response.outputs)} outputs")
    return {
        one.name: protocol.from_bytes(raw[number], one.datatype, one.shape)
        if raw
        else protocol.from_contents(one.contents, one.datatype, one.shape)
        for number, one in enumerate(response.outputs)
    }


def _shapes(tensors: Sequence[Message]) -> dict[str, list[int]]:
    return {one.name: [*one.shape] for one in tensors}
