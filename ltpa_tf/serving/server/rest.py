"""TensorFlow Serving's REST surface as an ASGI application."""

import asyncio
import logging
import re
import urllib.parse
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import grpc
import orjson
from google.protobuf import json_format
from starlette.responses import Response

from ltpa_tf.serving.server import answers, codec
from ltpa_tf.serving.server.repository import Repository
from ltpa_tf.serving.server.request_error import RequestError

# As in tensorflow_serving/model_servers/http_rest_api_util.cc, over path and query.
_TARGET = r"/v1/models/([^/:]+)(?:/versions/(\d+)|/labels/([^/:]+))?"
_PREDICT = re.compile(_TARGET + r":(classify|regress|predict)", re.IGNORECASE)
_STATUS = re.compile(_TARGET + r"(?:/(metadata))?", re.IGNORECASE)
_CODES = {
    grpc.StatusCode.INVALID_ARGUMENT: 400,
    grpc.StatusCode.FAILED_PRECONDITION: 400,
    grpc.StatusCode.OUT_OF_RANGE: 400,
    grpc.StatusCode.NOT_FOUND: 404,
    grpc.StatusCode.RESOURCE_EXHAUSTED: 429,
    grpc.StatusCode.UNIMPLEMENTED: 501,
}


class RestApp:
    """The application.

    Args:
        repository: The loaded versions.
        pool: Threads that answer predict requests.
        max_body: The most bytes that a request's body may hold.
        pages: The application for all other paths.
    """

    def __init__(
        self,
        repository: Repository,
        pool: ThreadPoolExecutor,
        max_body: int,
        pages: Callable,
    ):
        self._repository = repository
        self._pool = pool
        self._max_body = max_body
        self._pages = pages

    async def __call__(self, scope: dict, receive: Callable, send: Callable) -> None:
        """One request."""
        target = _target(scope)
        answer = self._pages
        if target.lower().startswith("/v1/"):
            status, content = await self._answer(scope, receive, target)
            answer = Response(content, status, media_type="application/json")
        await answer(scope, receive, send)

    async def _answer(
        self, scope: dict, receive: Callable, target: str
    ) -> tuple[int, bytes]:
        body = await self._body(dict(scope["headers"]), receive)
        try:
            if body is None:
                said = f"the body has more than {self._max_body} bytes, the limit"
                return 413, _error(said)
            if scope["method"] == "POST" and (match := _PREDICT.fullmatch(target)):
                loop = asyncio.get_running_loop()
                return 200, await loop.run_in_executor(
                    self._pool, self._predict, match, body
                )
            if scope["method"] == "GET" and (match := _STATUS.fullmatch(target)):
                return 200, self._about(match)
        except RequestError as error:
            return _CODES.get(error.code, 500), _error(str(error))
        except Exception as error:  # clients take JSON only
            logging.exception("%s %s", scope["method"], target)
            return 500, _error(f"{type(error).__name__}: {error}")
        return 400, _error(f"Malformed request: {scope['method']} {target}")

    async def _body(self, headers: dict, receive: Callable) -> bytes | None:
        """The body; too large a one is read on, so that the client gets its answer."""
        chunks, size, more = [], 0, True
        while more:
            message = await receive()
            chunks.append(message.get("body", b""))
            size += len(chunks[-1])
            more = message.get("more_body", False)
            if size > self._max_body:
                chunks.clear()
        if size > self._max_body:
            return None
        body = b"".join(chunks)
        zipped = b"gzip" in headers.get(b"content-encoding", b"")
        return _unzipped(body, self._max_body) if zipped else body

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


def _target(scope: dict) -> str:
    """Path and query as they were sent, without the address of an absolute URI."""
    target = scope["raw_path"].decode("latin-1")
    target = re.sub(r"^\w+://[^/?]*", "", target)
    query = scope["query_string"].decode("latin-1")
    return f"{target}?{query}" if query else target


def _asked(match: re.Match) -> tuple[str, int | None, str | None]:
    """Name, version and label of the model."""
    if match[2] and int(match[2]) >= 2**63:
        raise RequestError(f"Failed to convert version: {match[2]} to numeric.")
    label = None if match[3] is None else _unquoted(match[3])
    return _unquoted(match[1]), None if match[2] is None else int(match[2]), label


def _unquoted(text: str) -> str:
    return urllib.parse.unquote(text, errors="replace")


def _unzipped(body: bytes, limit: int) -> bytes | None:
    """Nothing, as a real server has it, if it isn't compressed; None above `limit`."""
    unpacker = zlib.decompressobj(zlib.MAX_WBITS | 16)
    try:
        found = unpacker.decompress(body, limit + 1)
    except zlib.error:
        return b""
    return found if len(found) <= limit else None


def _plain(message) -> dict:
    return json_format.MessageToDict(
        message,
        preserving_proto_field_name=True,
        always_print_fields_with_no_presence=True,
    )


def _error(sentence: str) -> bytes:
    return orjson.dumps({"error": sentence})
