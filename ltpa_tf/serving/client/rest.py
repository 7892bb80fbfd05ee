"""TensorFlow Serving's REST surface, as a client sees it."""

import base64
import urllib.parse
from collections.abc import Sequence
from typing import Any

import numpy as np
import orjson

from ltpa_tf.serving.client.http import HttpConnection


class RestTransport:
    """A connection over HTTP.

    Args:
        url: Such as `http://127.0.0.1:8501`.
        model: Name of the model.
        version: A version, or None.
        label: A label, or None.
        timeout: Seconds that one try may take.
        retries: How often a request is tried again.
    """

    def __init__(
        self,
        url: str,
        model: str,
        version: int | None,
        label: str | None,
        timeout: float,
        retries: int,
    ):
        quoted = urllib.parse.quote(model, safe="")
        self._model = f"{url.rstrip('/')}/v1/models/{quoted}"
        self._target = self._model
        if version is not None:
            self._target += f"/versions/{version}"
        elif label is not None:
            self._target += f"/labels/{urllib.parse.quote(label, safe='')}"
        self._http = HttpConnection(url, timeout, retries)

    def ask(self, signature: str, name: str, batch: Sequence) -> dict[str, Any]:
        """Output name -> nested lists."""
        values = batch
        if not isinstance(batch, np.ndarray):
            values = [{"b64": base64.b64encode(one).decode()} for one in batch]
        body = orjson.dumps(
            {"signature_name": signature, "inputs": {name: values}},
            option=orjson.OPT_SERIALIZE_NUMPY,
        )
        url = f"{self._target}:predict"
        return self._http.json("POST", url, body, keys=["outputs"])["outputs"]

    def signatures(self) -> dict[str, dict[str, list[int]]]:
        """Signature name -> input name -> shape."""
        found = self._http.json("GET", f"{self._target}/metadata", keys=["metadata"])
        return {
            signature: {
                name: [int(one["size"]) for one in info["tensor_shape"].get("dim", [])]
                for name, info in definition["inputs"].items()
            }
            for signature, definition in found["metadata"]["signature_def"][
                "signature_def"
            ].items()
        }

    def states(self) -> dict[int, str]:
        """Version -> state."""
        key = "model_version_status"
        found = self._http.json("GET", self._model, keys=[key])[key]
        return {int(one["version"]): one["state"] for one in found}

    def close(self) -> None:
        """Closes the connection."""
        self._http.close()
