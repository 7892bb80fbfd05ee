"""The Open Inference Protocol over REST, as a client sees it."""

import contextlib
import functools
import json
import urllib.parse
from collections.abc import Sequence
from typing import Any

import numpy as np
import urllib3

from ltpa_tf.serving import open_inference as protocol
from ltpa_tf.serving.client import open_inference as models
from ltpa_tf.serving.client.http import HttpConnection
from ltpa_tf.serving.client.transport import NotServed, RequestRefused, ServerFailed


class OpenInferenceRest:
    """A connection over HTTP.

    Tensors travel as bytes where the server has the extension for that.

    Args:
        url: Such as `http://127.0.0.1:8000`.
        model: Name of the model.
        version: A version, or None.
        timeout: Seconds that one try may take.
        retries: How often a request is tried again.
    """

    def __init__(
        self, url: str, model: str, version: int | None, timeout: float, retries: int
    ):
        self._root = f"{url.rstrip('/')}/v2"
        self._model = model
        self._version = "" if version is None else f"/versions/{version}"
        self._http = HttpConnection(url, timeout, retries)

    def ask(self, signature: str, name: str, batch: Sequence) -> dict[str, np.ndarray]:
        """Output name -> array."""
        array = protocol.as_tensor(batch)
        tensor = protocol.described(name, array)
        content = b""
        if self._binary:
            content = protocol.to_bytes(array)
            tensor["parameters"] = {"binary_data_size": len(content)}
        else:
            tensor["data"] = array.ravel().tolist()
        parameters = {"parameters": {"binary_data": True}} if self._binary else {}
        of_files = signature.endswith(models.FILES)
        known = self._of_files if of_files else self._metadata
        outputs = models.outputs_of(signature, known["outputs"])
        request = {
            "inputs": [tensor],
            "outputs": [{"name": one, **parameters} for one in outputs],
        }
        head = json.dumps(request).encode()
        headers = {}
        if self._binary:
            headers = {
                "Content-Type": "application/octet-stream",
                protocol.HEADER_LENGTH: str(len(head)),
            }
        url = f"{self._url(models.model_of(self._model, signature))}/infer"
        response = self._http.send("POST", url, head + content, headers)
        try:
            return _read(response)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ServerFailed(
                f"{url}: an answer that can't be read: {error}"
            ) from None

    def signatures(self) -> dict[str, dict[str, list[int]]]:
        """Signature name -> input name -> shape."""
        files = self._of_files and self._of_files["inputs"]
        return models.signatures(
            self._metadata["inputs"], self._metadata["outputs"], files
        )

    def states(self) -> dict[int, str]:
        """Version -> state; servers name those that are available."""
        return dict.fromkeys(map(int, self._metadata["versions"]), "AVAILABLE")

    def close(self) -> None:
        """Closes the connection."""
        self._http.close()

    @functools.cached_property
    def _binary(self) -> bool:
        found = self._http.json("GET", self._root)
        return protocol.BINARY_EXTENSION in found.get("extensions", ())

    @functools.cached_property
    def _metadata(self) -> dict[str, Any]:
        return self._get(self._url(self._model))

    @functools.cached_property
    def _of_files(self) -> dict[str, Any] | None:
        """Of the same model that takes files; None if there is no such."""
        if self._binary:  # JSON has no bytes
            # Not there on Triton, say, with an ONNX file.
            with contextlib.suppress(NotServed, RequestRefused):
                return self._get(self._url(self._model + models.FILES))
        return None

    def _get(self, url: str) -> dict[str, Any]:
        """A model's versions, and of its inputs and outputs the names and shapes."""
        found = self._http.json("GET", url, keys=["inputs", "outputs"])
        tensors = {
            kind: {one["name"]: [*map(int, one["shape"])] for one in found[kind]}
            for kind in ("inputs", "outputs")
        }
        return {"versions": found.get("versions") or (), **tensors}

    def _url(self, model: str) -> str:
        quoted = urllib.parse.quote(model, safe="")
        return f"{self._root}/models/{quoted}{self._version}"


def _read(response: urllib3.BaseHTTPResponse) -> dict[str, np.ndarray]:
    content = response.data
    length = int(response.headers.get(protocol.HEADER_LENGTH, len(content)))
    outputs, position = {}, length
    for one in json.loads(content[:length])["outputs"]:
        size = (one.get("parameters") or {}).get("binary_data_size")
        kind = one["datatype"], one["shape"]
        if size is None:
            outputs[one["name"]] = protocol.from_json(one["data"], *kind)
        else:
            part = content[position : position + size]
            outputs[one["name"]] = protocol.from_bytes(part, *kind)
            position += size
    return outputs
