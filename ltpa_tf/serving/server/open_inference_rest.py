"""The Open Inference Protocol over REST, with its extension for binary tensors."""

import functools
import re
import urllib.parse
from collections.abc import Mapping
from typing import Any

import numpy as np
import orjson
import tensorflow as tf

from ltpa_tf.serving import open_inference as protocol
from ltpa_tf.serving.server import codec
from ltpa_tf.serving.server import open_inference as core
from ltpa_tf.serving.server.repository import Repository
from ltpa_tf.serving.server.request_error import RequestError

_HEALTH = re.compile(r"/v2/health/(live|ready)")
_MODEL = re.compile(r"/v2/models/([^/?]+)(?:/versions/([^/?]+))?(?:/(ready|infer))?")
_LENGTH = protocol.HEADER_LENGTH.lower().encode()


class OpenInferenceRest:
    """Answers what is below `/v2`.

    Args:
        repository: The loaded versions.
    """

    def __init__(self, repository: Repository):
        self._repository = repository

    def answer(
        self, method: str, target: str, headers: Mapping[bytes, bytes], body: bytes
    ) -> tuple[bytes, dict[str, str]]:
        """Content and headers of the answer.

        Raises:
            RequestError: If there is none.
        """
        match = _MODEL.fullmatch(target)
        posted = bool(match) and match[3] == "infer"
        if method == ("POST" if posted else "GET"):
            if target.rstrip("/") == "/v2":
                return orjson.dumps(core.SERVER), {}
            if health := _HEALTH.fullmatch(target):  # it serves: a model is there
                return orjson.dumps({health[1]: True}), {}
            if match:
                name, version = (
                    urllib.parse.unquote(one or "") for one in match.group(1, 2)
                )
                model = core.find(self._repository, name, version)
                if posted:
                    return _infer(model, headers, body)
                ready = {"name": model.name, "ready": True}
                return orjson.dumps(ready if match[3] else model.metadata()), {}
        raise RequestError(f"Malformed request: {method} {target}")


def _infer(
    model: core.Model, headers: Mapping[bytes, bytes], body: bytes
) -> tuple[bytes, dict[str, str]]:
    length = headers.get(_LENGTH, b"%d" % len(body))
    if not length.isdigit() or int(length) > len(body):
        raise RequestError(f"{protocol.HEADER_LENGTH}: {length.decode('latin-1')!r}")
    request = _json(body[: int(length)])
    inputs = _inputs(request, body[int(length) :])
    outputs = _objects(request, "outputs")
    binary_by_default = _parameters(request).get("binary_data_output", False)
    is_binary = {}
    for one in outputs:
        binary = _parameters(one).get("binary_data", binary_by_default)
        is_binary[_text(one, "name")] = binary
    found = model.infer(inputs, [_text(one, "name") for one in outputs])
    described, parts = [], []
    for name, array in found.items():
        tensor = protocol.described(name, array)
        if is_binary.get(name, binary_by_default):
            parts.append(protocol.to_bytes(array))
            tensor["parameters"] = {"binary_data_size": len(parts[-1])}
        else:
            tensor["data"] = codec.plain("", array.ravel())
        described.append(tensor)
    answer = {
        "model_name": model.name,
        "model_version": str(model.version.number),
        **({"id": request["id"]} if "id" in request else {}),
        "outputs": described,
    }
    content = orjson.dumps(answer, option=orjson.OPT_SERIALIZE_NUMPY)
    if not parts:
        return content, {}
    return content + b"".join(parts), {
        "Content-Type": "application/octet-stream",
        protocol.HEADER_LENGTH: str(len(content)),
    }


def _json(content: bytes) -> dict[str, Any]:
    try:
        request = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise RequestError(f"failed to parse the request JSON: {error}") from None
    if not isinstance(request, dict):
        raise RequestError("the request JSON is no object")
    return request


def _inputs(request: dict[str, Any], content: bytes) -> list[core.Input]:
    found, position = [], 0
    for one in _objects(request, "inputs"):
        name, datatype = _text(one, "name"), _text(one, "datatype")
        shape = one.get("shape")
        if not isinstance(shape, list) or any(type(size) is not int for size in shape):
            raise RequestError(f"{name}: the shape is no list of integers")
        size = _parameters(one).get("binary_data_size")
        if (size is None) != ("data" in one):
            raise RequestError(f"{name}: exactly one of data and binary_data_size")
        if size is None:
            read = functools.partial(_from_json, name, one["data"], datatype, shape)
        elif type(size) is int and 0 <= size <= len(content) - position:
            part = content[position : position + size]
            position += size
            read = functools.partial(protocol.from_bytes, part, datatype, shape)
        else:
            raise RequestError(f"{name}: binary_data_size that isn't there")
        found.append(core.Input(name, datatype, shape, read))
    if position < len(content):
        raise RequestError(f"{len(content) - position} bytes after the last tensor")
    return found


def _from_json(name: str, data: Any, datatype: str, shape: list[int]) -> np.ndarray:
    """Values in nested lists or in one, as the protocol allows."""
    if datatype == "BYTES":
        if not isinstance(data, list) or not all(isinstance(x, str) for x in data):
            raise RequestError(f"{name}: data is no list of strings")
        return protocol.from_json(data, datatype, shape)
    values = codec.numbers(name, data, tf.int64, bools=True)
    return protocol.fitting(values, datatype, shape)


def _objects(request: dict[str, Any], key: str) -> list[dict[str, Any]]:
    found = [] if request.get(key) is None else request[key]
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise RequestError(f"{key!r} is no list of objects")
    return found


def _text(one: dict[str, Any], key: str) -> str:
    if not isinstance(one.get(key), str):
        raise RequestError(f"a tensor without {key!r}, a string")
    return one[key]


def _parameters(one: dict[str, Any]) -> dict[str, Any]:
    found = {} if one.get("parameters") is None else one["parameters"]
    if not isinstance(found, dict):
        raise RequestError("'parameters' is no object")
    core.refuse_extensions(str(one.get("name")), found)
    return found
