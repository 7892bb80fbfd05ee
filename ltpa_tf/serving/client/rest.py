"""TensorFlow Serving's REST surface, as a client sees it."""

import base64
import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import requests
import urllib3
from requests.adapters import HTTPAdapter

from ltpa_tf.serving.client.transport import (
    BACKOFF,
    NotServed,
    RequestRefused,
    ServerFailed,
    ServerUnreachable,
)
from ltpa_tf.serving.sentences import sentence


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
        quoted = requests.utils.quote(model, safe="")
        self._model = f"{url.rstrip('/')}/v1/models/{quoted}"
        self._target = self._model
        if version is not None:
            self._target += f"/versions/{version}"
        elif label is not None:
            self._target += f"/labels/{requests.utils.quote(label, safe='')}"
        self._timeout = timeout
        self._session = requests.Session()
        policy = urllib3.Retry(
            retries,
            backoff_factor=BACKOFF,
            status_forcelist=(429, 502, 503, 504),
            allowed_methods=None,  # POST too: asking twice changes nothing
            raise_on_status=False,
        )
        self._session.mount("http://", HTTPAdapter(max_retries=policy))
        self._session.mount("https://", HTTPAdapter(max_retries=policy))

    def ask(self, signature: str, name: str, batch: Sequence) -> dict[str, Any]:
        """Output name -> nested lists."""
        if isinstance(batch, np.ndarray):
            values = batch.tolist()
        else:
            values = [{"b64": base64.b64encode(one).decode()} for one in batch]
        body = {"signature_name": signature, "inputs": {name: values}}
        return self._send("POST", f"{self._target}:predict", json.dumps(body))[
            "outputs"
        ]

    def signatures(self) -> dict[str, dict[str, list[int]]]:
        """Signature name -> input name -> shape."""
        found = self._send("GET", f"{self._target}/metadata")
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
        found = self._send("GET", self._model)["model_version_status"]
        return {int(one["version"]): one["state"] for one in found}

    def close(self) -> None:
        """Closes the connection."""
        self._session.close()

    def _send(self, method: str, url: str, body: str | None = None) -> dict[str, Any]:
        try:
            response = self._session.request(
                method,
                url,
                data=body,
                headers={"Content-Type": "application/json"},
                timeout=self._timeout,
            )
        except requests.RequestException as error:
            raise ServerUnreachable(f"{url}: {error}") from error
        try:
            content = response.json()
        except ValueError:
            content = {}
        if response.ok and content:
            return content
        said = content.get("error") or response.text or response.reason
        text = f"{url}: {sentence(said)}"
        if response.status_code == 404:
            raise NotServed(text)
        if 400 <= response.status_code < 500 and response.status_code != 429:
            raise RequestRefused(text)
        raise ServerFailed(text)
