"""HTTP: bodies, errors and threads, for both protocols, and the explorer's pages."""

import asyncio
import logging
import re
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import grpc
import orjson
from starlette.responses import Response

from ltpa_tf.serving.server.open_inference_rest import OpenInferenceRest
from ltpa_tf.serving.server.repository import Repository
from ltpa_tf.serving.server.request_error import RequestError
from ltpa_tf.serving.server.rest import TensorFlowRest

_CODES = {
    grpc.StatusCode.INVALID_ARGUMENT: 400,
    grpc.StatusCode.FAILED_PRECONDITION: 400,
    grpc.StatusCode.OUT_OF_RANGE: 400,
    grpc.StatusCode.NOT_FOUND: 404,
    grpc.StatusCode.RESOURCE_EXHAUSTED: 429,
    grpc.StatusCode.UNIMPLEMENTED: 501,
}


class Application:
    """The ASGI application.

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
        self._pool = pool
        self._max_body = max_body
        self._pages = pages
        self._protocols = (
            (re.compile("/v1/"), TensorFlowRest(repository)),
            (re.compile("/v2(/|$)"), OpenInferenceRest(repository)),
        )

    async def __call__(self, scope: dict, receive: Callable, send: Callable) -> None:
        """One request."""
        target = _target(scope)
        answer = self._pages
        for start, protocol in self._protocols:
            if start.match(target.lower()):
                status, content, headers = await self._answer(
                    protocol, scope, receive, target
                )
                headers = {"Content-Type": "application/json", **headers}
                answer = Response(content, status, headers)
        await answer(scope, receive, send)

    async def _answer(
        self,
        protocol: TensorFlowRest | OpenInferenceRest,
        scope: dict,
        receive: Callable,
        target: str,
    ) -> tuple[int, bytes, dict[str, str]]:
        headers, method = dict(scope["headers"]), scope["method"]
        body = await self._body(headers, receive)
        if body is None:
            said = f"the body has more than {self._max_body} bytes, the limit"
            return 413, _error(said), {}
        try:
            if method == "POST":  # computes
                loop = asyncio.get_running_loop()
                found = await loop.run_in_executor(
                    self._pool, protocol.answer, method, target, headers, body
                )
            else:
                found = protocol.answer(method, target, headers, body)
            return 200, *found
        except RequestError as error:
            return _CODES.get(error.code, 500), _error(str(error)), {}
        except Exception as error:  # clients take JSON only
            logging.exception("%s %s", method, target)
            return 500, _error(f"{type(error).__name__}: {error}"), {}

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


def _target(scope: dict) -> str:
    """Path and query as they were sent, without the address of an absolute URI."""
    target = scope["raw_path"].decode("latin-1")
    target = re.sub(r"^\w+://[^/?]*", "", target)
    query = scope["query_string"].decode("latin-1")
    return f"{target}?{query}" if query else target


def _unzipped(body: bytes, limit: int) -> bytes | None:
    """Nothing, as a real server has it, if it isn't compressed; None above `limit`."""
    unpacker = zlib.decompressobj(zlib.MAX_WBITS | 16)
    try:
        found = unpacker.decompress(body, limit + 1)
    except zlib.error:
        return b""
    return found if len(found) <= limit else None


def _error(sentence: str) -> bytes:
    return orjson.dumps({"error": sentence})
