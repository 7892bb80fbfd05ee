"""Between TensorFlow Serving's JSON and arrays, as its `util/json_tensor.cc` has it."""

import base64
import binascii
import itertools
import re
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import orjson
import tensorflow as tf
from tensorflow.core.protobuf.meta_graph_pb2 import TensorInfo

from ltpa_tf.serving.server.request_error import RequestError

Infos = Mapping[str, TensorInfo]

_BASE64 = re.compile(r"[A-Za-z0-9+/]*={0,2}")
_WHITESPACE = re.compile(r"\s+", re.ASCII)


class PredictRequest:
    """A parsed request.

    Args:
        body: JSON with `instances` (rows) or `inputs` (columns).

    Attributes:
        signature: The name of the signature that is asked for.
        rows: Whether the request is in row form.

    Raises:
        RequestError: If it is no such JSON.
    """

    def __init__(self, body: bytes):
        try:
            request = orjson.loads(body)
        except orjson.JSONDecodeError as error:
            raise RequestError(f"JSON Parse error: {error}") from None
        if not isinstance(request, dict):
            raise RequestError("JSON Value: the request is not an object")
        signature = request.get("signature_name", "")
        if not isinstance(signature, str):
            raise RequestError("'signature_name' key must be a string value.")
        self.signature = signature or "serving_default"
        self.rows = "instances" in request
        self._request = request
        # NumPy takes a `true` among numbers as 1.
        self._bools = b"true" in body or b"false" in body

    def inputs(self, infos: Infos) -> dict[str, np.ndarray]:
        """Input name -> array.

        Args:
            infos: Input name -> its description, of the signature.

        Raises:
            RequestError: If the content doesn't fit the signature.
        """
        if self.rows == ("inputs" in self._request):
            raise RequestError("exactly one of 'instances' and 'inputs' must be there")
        if self.rows:
            columns = _from_rows(self._request["instances"], infos)
        else:
            columns = _from_columns(self._request["inputs"], infos)
        return {
            name: _array(name, column, infos[name], self._bools)
            for name, column in columns.items()
        }


def encode(outputs: dict[str, np.ndarray], rows: bool) -> bytes:
    """The response's JSON; names ending in `_bytes` are encoded as base64."""
    values = {name: plain(name, value) for name, value in outputs.items()}
    if len(values) == 1:
        (content,) = values.values()
    elif rows:
        count = len(next(iter(values.values())))
        content = [{name: values[name][i] for name in values} for i in range(count)]
    else:
        content = values
    return orjson.dumps(
        {"predictions" if rows else "outputs": content},
        option=orjson.OPT_SERIALIZE_NUMPY,
    )


def _from_rows(instances: Any, infos: Infos) -> dict[str, list]:
    if not isinstance(instances, list) or not instances:
        raise RequestError("'instances' must be a list with at least one value")
    named = _is_named(instances[0])
    if not named and len(infos) != 1:
        raise RequestError(f"instances must name the inputs {sorted(infos)}")
    for number, one in enumerate(instances):
        if _is_named(one) != named or (named and set(one) != set(infos)):
            raise RequestError(
                f"Failed to process element: {number} of 'instances' list: values, or "
                f"objects with exactly the inputs {sorted(infos)}, but not both"
            )
    if named:
        return {name: [one[name] for one in instances] for name in infos}
    return {next(iter(infos)): instances}


def _from_columns(inputs: Any, infos: Infos) -> dict[str, Any]:
    if _is_named(inputs):
        missing = set(infos) - set(inputs)
        if missing or not infos:
            raise RequestError(f"Missing named input: {sorted(missing)}")
        return {name: inputs[name] for name in infos}
    if len(infos) != 1:
        raise RequestError(
            f"'inputs' must be an object with the inputs {sorted(infos)}"
        )
    return {next(iter(infos)): inputs}


def _is_named(value: Any) -> bool:
    """Whether it is an object with input names, not the `{"b64": ...}` of a string."""
    return isinstance(value, dict) and not _is_base64(value)


def _is_base64(value: dict) -> bool:
    return set(value) == {"b64"} and isinstance(value["b64"], str)


def _array(name: str, value: Any, info: TensorInfo, bools: bool) -> np.ndarray:
    dtype = tf.dtypes.as_dtype(info.dtype)
    if dtype == tf.string:
        values = value if isinstance(value, list) else [value]
        array = np.empty(len(values), object)
        array[:] = [_string(name, one) for one in values]
        return array if isinstance(value, list) else array.reshape(())
    return numbers(name, value, dtype, bools)


def numbers(name: str, value: Any, dtype: tf.DType, bools: bool) -> np.ndarray:
    """Nested lists of numbers as an array.

    Args:
        name: Of the input.
        value: What was sent.
        dtype: The array's type.
        bools: Whether there may be booleans, which are refused.

    Raises:
        RequestError: If they are no such numbers.
    """
    try:
        array = np.array(value)
    except (ValueError, OverflowError):
        raise RequestError(
            f"{name}: lists of unequal lengths or mixed content"
        ) from None
    kinds = "iu" if dtype.is_integer else "iuf"
    if array.dtype.kind not in kinds or (bools and _has_bool(value, array.ndim)):
        kind = "integers" if dtype.is_integer else "numbers"
        raise RequestError(f"{name}: the values must be {kind} ({dtype.name})")
    if dtype.is_integer and array.size:
        # Smaller types are sent as int32, which wraps around: 300 is 44 for uint8.
        range_ = np.iinfo(dtype.as_numpy_dtype if dtype.size > 4 else np.int32)
        if array.min() < range_.min or array.max() > range_.max:
            raise RequestError(f"{name}: the values must fit into {range_.dtype}")
    return array.astype(dtype.as_numpy_dtype)


def _has_bool(value: Any, rank: int) -> bool:
    for _ in range(rank - 1):
        value = itertools.chain.from_iterable(value)
    return bool in set(map(type, value if rank else [value]))


def _string(name: str, value: Any) -> bytes:
    if isinstance(value, str):
        return value.encode()
    if isinstance(value, dict) and _is_base64(value):
        text = _WHITESPACE.sub("", value["b64"])
        text += "=" * (-len(text) % 4)
        try:
            if _BASE64.fullmatch(text):
                return base64.b64decode(text)
        except binascii.Error:
            pass
        raise RequestError(f"{name}: Unable to base64 decode")
    raise RequestError(f'{name}: must be a string or {{"b64": "..."}}')


def plain(name: str, array: np.ndarray) -> Any:
    """Something that orjson can write; as base64 if the name ends in `_bytes`."""
    if array.dtype != object:
        return np.ascontiguousarray(array)
    if name.endswith("_bytes"):
        return _map(array, lambda one: {"b64": base64.b64encode(one).decode()})
    return _map(array, lambda one: one.decode(errors="replace"))


def _map(array: np.ndarray, change: Callable) -> Any:
    return np.vectorize(change, otypes=[object])(array).tolist()
