"""TensorFlow Serving's REST surface."""

import re
import urllib.parse
from collections.abc import Mapping

import orjson
from google.protobuf import json_format

from ltpa_tf.serving.server import answers, codec
from ltpa_tf.serving.server.repository import Repository
from ltpa_tf.serving.server.request_error import RequestError

# As in tensorflow_serving/model_servers/http_rest_api_util.cc, over path and query.
_TARGET = r"/v1/models/([^/:]+)(?:/versions/(\d+)|/labels/([^/:]+))?"
_PREDICT = re.compile(_TARGET + r":(classify|regress|predict)", re.IGNORECASE)
_STATUS = re.compile(_TARGET + r"(?:/(metadata))?", re.IGNORECASE)


class TensorFlowRest:
    """Answers what is below `/v1/`.

    Args:
        repository: The loaded versions.
    """

    def __init__(self, repository: Repository):
        self._repository = repository

    def answer(
        self, method: str, target: str, _headers: Mapping[bytes, bytes], body: bytes
    ) -> tuple[bytes, dict[str, str]]:
        """Content and headers of the answer.

        Raises:
            RequestError: If there is none.
        """
        if method == "POST" and (match := _PREDICT.fullmatch(target)):
            return self._predict(match, body), {}
        if method == "GET" and (match := _STATUS.fullmatch(target)):
            return self._about(match), {}
        raise RequestError(f"Malformed request: {method} {target}")

    def _predict(self, match: re.Match, body: bytes) -> bytes:
        if match[4].lower() != "predict":
            raise RequestError(f"no signature is for {match[4]}")
        request = codec.PredictRequest(body)
        version = self._repository.find(*_asked(match))
        inputs = request.inputs(version.inputs(request.signature))
        return codec.encode(version.run(request.signature, inputs), request.rows)

    def _about(self, match: re.Match) -> bytes:
        name, number, label = _asked(match)
        if not match[4]:  # whatever the label
            found = answers.status(self._repository, name, number)
            return orjson.dumps(_plain(found), option=orjson.OPT_INDENT_2)
        version = self._repository.find(name, number, label)
        response, signatures = answers.metadata(self._repository, version)
        found = {
            "model_spec": _plain(response.model_spec),
            "metadata": {"signature_def": _plain(signatures)},
        }
        return orjson.dumps(found, option=orjson.OPT_INDENT_2)


def _asked(match: re.Match) -> tuple[str, int | None, str | None]:
    """Name, version and label of the model."""
    if match[2] and int(match[2]) >= 2**63:
        raise RequestError(f"Failed to convert version: {match[2]} to numeric.")
    label = None if match[3] is None else _unquoted(match[3])
    return _unquoted(match[1]), None if match[2] is None else int(match[2]), label


def _unquoted(text: str) -> str:
    return urllib.parse.unquote(text, errors="replace")


def _plain(message) -> dict:
    return json_format.MessageToDict(
        message,
        preserving_proto_field_name=True,
        always_print_fields_with_no_presence=True,
    )
