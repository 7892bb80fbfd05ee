"""Between TensorFlow Serving's JSON and arrays."""

import base64
import binascii
from typing import Any

import numpy as np
import orjson
import tensorflow as tf

from ltpa_tf.serving.server.request_error import RequestError

Specs = dict[str, tf.TensorSpec]


def parse(body: bytes) -> dict[str, Any]:
    """The request's JSON object.

    Raises:
        RequestError: If it is none.
    """
    try:
        request = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise RequestError(400, f"JSON Parse error: {error}") from None
    if not isinstance(request, dict):
        raise RequestError(400, "JSON Value: the request must be an object")
    return request


def signature_of(request: dict[str, Any]) -> str:
    """The name of the signature asked for.

    Raises:
        RequestError: If it is no string.
    """
    name = request.get("signature_name", "serving_default")
    if not isinstance(name, str):
        raise RequestError(400, "'signature_name' key must be a string value.")
    return name or "serving_default"


def decode(request: dict[str, Any], specs: Specs) -> tuple[dict[str, np.ndarray], bool]:
    """The input arrays, and whether the request is in row form.

    Args:
        request: A parsed request with `instances` (rows) or `inputs` (columns).
        specs: Of the signature's inputs.

    Raises:
        RequestError: If the content doesn't fit the signature.
    """
    if ("instances" in request) == ("inputs" in request):
        raise RequestError(
            400, "Request must have exactly one of 'instances' and 'inputs'"
        )
    if "instances" in request:
        columns = _columns(request["instances"], specs)
    else:
        columns = request["inputs"]
        if len(specs) == 1 and not _is_named(columns):
            columns = {next(iter(specs)): columns}
    if not isinstance(columns, dict) or set(columns) != set(specs):
        received = sorted(columns) if isinstance(columns, dict) else type(columns)
        raise RequestError(
            400, f"The inputs are {sorted(specs)}; the request has {received}"
        )
    arrays = {name: _array(name, columns[name], spec) for name, spec in specs.items()}
    if len({len(array) for array in arrays.values()}) != 1:
        raise RequestError(400, "All inputs must have the same batch size")
    return arrays, "instances" in request


def encode(outputs: dict[str, np.ndarray], rows: bool) -> bytes:
    """The response's JSON; names ending in `_bytes` are encoded as base64."""
    plain = {name: _plain(name, value) for name, value in outputs.items()}
    single = len(plain) == 1
    if not rows:
        content = next(iter(plain.values())) if single else plain
        return orjson.dumps({"outputs": content}, option=orjson.OPT_SERIALIZE_NUMPY)
    count = len(next(iter(plain.values())))
    if single:
        content = next(iter(plain.values()))
    else:
        content = [{name: plain[name][i] for name in plain} for i in range(count)]
    return orjson.dumps({"predictions": content}, option=orjson.OPT_SERIALIZE_NUMPY)


def _columns(instances: Any, specs: Specs) -> dict[str, list]:
    if not isinstance(instances, list) or not instances:
        raise RequestError(400, "'instances' must be a list with at least one value")
    if not any(_is_named(one) for one in instances):
        if len(specs) != 1:
            raise RequestError(400, f"Instances must name the inputs {sorted(specs)}")
        return {next(iter(specs)): instances}
    for number, one in enumerate(instances):
        if not _is_named(one) or set(one) != set(specs):
            raise RequestError(
                400,
                f"Failed to process element: {number} of 'instances' list: it must be "
                f"an object with exactly the inputs {sorted(specs)}",
            )
    return {name: [one[name] for one in instances] for name in specs}


def _is_named(value: Any) -> bool:
    """Whether it is an object with input names, not the `{"b64": ...}` of a string."""
    return isinstance(value, dict) and set(value) != {"b64"}


def _array(name: str, value: Any, spec: tf.TensorSpec) -> np.ndarray:
    if not isinstance(value, list) or not value:
        raise RequestError(400, f"{name}: a batch must hold at least one image")
    array = (
        _strings(name, value)
        if spec.dtype == tf.string
        else _numbers(name, value, spec)
    )
    if not spec.shape.is_compatible_with(array.shape):
        wanted = [-1 if size is None else size for size in spec.shape]
        raise RequestError(
            400, f"{name}: the shape is {list(array.shape)}, must be {wanted}"
        )
    return array


def _numbers(name: str, value: list, spec: tf.TensorSpec) -> np.ndarray:
    dtype = spec.dtype
    try:
        array = np.array(value)
    except (ValueError, OverflowError):
        raise RequestError(
            400, f"{name}: lists of unequal lengths or mixed content"
        ) from None
    if array.dtype.kind not in ("iu" if dtype.is_integer else "iuf") or _has_bool(
        value
    ):
        kind = "integers" if dtype.is_integer else "numbers"
        raise RequestError(400, f"{name}: the values must be {kind} ({dtype.name})")
    if dtype.is_integer and array.size:
        low, high = array.min(), array.max()
        if low < dtype.min or high > dtype.max:
            raise RequestError(
                400,
                f"{name}: the values reach from {low} to {high}, must be in "
                f"{dtype.min} to {dtype.max}",
            )
    return array.astype(dtype.as_numpy_dtype)


def _has_bool(value: Any) -> bool:
    """Whether `true` or `false` hides among the numbers: NumPy would take it as one."""
    while isinstance(value, list) and value and isinstance(value[0], list):
        value = [one for inner in value for one in inner]
    return bool in set(map(type, value))


def _strings(name: str, value: list) -> np.ndarray:
    decoded = np.empty(len(value), object)
    for number, one in enumerate(value):
        decoded[number] = _string(f"{name}[{number}]", one)
    return decoded


def _string(where: str, value: Any) -> bytes:
    if isinstance(value, str):
        return value.encode()
    if isinstance(value, dict) and isinstance(value.get("b64"), str):
        try:
            return base64.b64decode(value["b64"], validate=True)
        except (binascii.Error, ValueError) as error:
            raise RequestError(400, f"{where}: no valid base64: {error}") from None
    raise RequestError(400, f'{where}: must be a string or {{"b64": "..."}}')


def _plain(name: str, array: np.ndarray) -> Any:
    """Something that orjson can write."""
    if array.dtype != object:
        return np.ascontiguousarray(array)
    if name.endswith("_bytes"):
        return _map(array, lambda one: {"b64": base64.b64encode(one).decode()})
    return _map(array, lambda one: one.decode(errors="replace"))


def _map(array: np.ndarray, change) -> Any:
    return np.vectorize(change, otypes=[object])(array).tolist()
