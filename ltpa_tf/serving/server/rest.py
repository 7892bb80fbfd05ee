"""TensorFlow Serving's REST surface as an ASGI application."""

import asyncio
import collections
import logging
import re
import time
from collections.abc import Sequence

import orjson
import tensorflow as tf
from google.protobuf import json_format
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from tensorflow_serving.apis.get_model_metadata_pb2 import SignatureDefMap

from ltpa_tf.serving.sentences import sentence
from ltpa_tf.serving.server import codec
from ltpa_tf.serving.server.engine import Engine
from ltpa_tf.serving.server.repository import Repository, Version
from ltpa_tf.serving.server.request_error import RequestError
from ltpa_tf.serving.server_files import METRICS_PATH

# As in tensorflow_serving/model_servers/http_rest_api_util.cc.
_TARGET = r"/v1/models/([^/:]+)(?:/versions/(\d+)|/labels/([^/:]+))?"
_PREDICT = re.compile(_TARGET + r":(classify|regress|predict)", re.IGNORECASE)
_STATUS = re.compile(_TARGET + r"(?:/(metadata))?", re.IGNORECASE)
_DRAIN = 8  # times the limit of a body is read and thrown away before giving up


class RestHandlers:
    """The handlers; `application` makes the ASGI application of them.

    Args:
        repository: The loaded versions.
        engine: What runs requests.
        max_batch: The most images that a request may hold.
        max_body: The most bytes that a request's body may hold.
    """

    def __init__(
        self, repository: Repository, engine: Engine, max_batch: int, max_body: int
    ):
        self._repository = repository
        self._engine = engine
        self._max_batch = max_batch
        self._max_body = max_body
        self._counts: collections.Counter[int] = collections.Counter()
        self._seconds = 0.0

    def application(
        self, origins: Sequence[str], pages: Sequence[BaseRoute] = ()
    ) -> Starlette:
        """The application.

        Args:
            origins: Other sites whose pages may ask, as CORS has it; `"*"` for all.
            pages: Routes of what else is to be served.
        """
        methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]
        return Starlette(
            routes=[
                Route(METRICS_PATH, self.metrics),
                Route("/v1/{rest:path}", self.answer, methods=methods),
                *pages,
            ],
            middleware=[
                Middleware(
                    CORSMiddleware,
                    allow_origins=list(origins),
                    allow_methods=["GET", "POST"],
                    allow_headers=["Content-Type"],
                )
            ],
        )

    async def answer(self, request: Request) -> Response:
        """Any request below `/v1/`."""
        start = time.perf_counter()
        status = 200
        try:
            content = await self._content(request)
        except RequestError as error:
            status, content = error.status, orjson.dumps({"error": str(error)})
        except tf.errors.InvalidArgumentError as error:
            status, content = 400, orjson.dumps({"error": sentence(error.message)})
        except ClientDisconnect:
            status, content = 400, b""
        except Exception as error:  # clients take JSON only
            logging.exception("%s %s", request.method, request.scope["path"])
            said = f"{type(error).__name__}: {error}"
            status, content = 500, orjson.dumps({"error": said})
        self._counts[status] += 1
        self._seconds += time.perf_counter() - start
        return Response(content, status, media_type="application/json")

    async def metrics(self, _request: Request) -> Response:
        """What Prometheus reads, under the names that TensorFlow Serving uses."""
        name = f'model_name="{self._repository.name}"'
        lines = ["# TYPE :tensorflow:serving:request_count counter"]
        lines += [
            f':tensorflow:serving:request_count{{{name},status="{status}"}} {count}'
            for status, count in sorted(self._counts.items())
        ]
        lines += [
            "# TYPE :tensorflow:serving:request_latency summary",
            f":tensorflow:serving:request_latency_sum{{{name}}} {self._seconds * 1e6}",
            f":tensorflow:serving:request_latency_count{{{name}}} "
            f"{self._counts.total()}",
        ]
        return Response("\n".join(lines) + "\n", media_type="text/plain")

    async def _content(self, request: Request) -> bytes:
        path = request.scope["path"]
        body = await self._body(request)
        if request.method == "POST" and (match := _PREDICT.fullmatch(path)):
            if match[4].lower() != "predict":
                raise RequestError(400, f"this server has no {match[4]}, only predict")
            return await self._predict(self._version(match), body)
        if request.method == "GET" and (match := _STATUS.fullmatch(path)):
            return self._metadata(match) if match[4] else self._status(match)
        raise RequestError(400, f"Malformed request: {request.method} {path}")

    async def _body(self, request: Request) -> bytes:
        """The body; too large a one is read on, so that the client gets its answer."""
        chunks: list[bytes] = []
        size = 0
        async for chunk in request.stream():
            size += len(chunk)
            if size <= self._max_body:
                chunks.append(chunk)
            else:
                chunks.clear()
            if size > _DRAIN * self._max_body:
                break
        if size > self._max_body:
            raise RequestError(
                413, f"the body has more than {self._max_body} bytes, the limit"
            )
        return b"".join(chunks)

    def _version(self, match: re.Match) -> Version:
        name, number, label = match[1], match[2], match[3]
        if name != self._repository.name:
            raise RequestError(404, f"Servable not found for request: Latest({name})")
        if number is not None and len(number) > 18:
            raise RequestError(400, f"Failed to convert version: {number} to numeric.")
        return self._repository.find(None if number is None else int(number), label)

    async def _predict(self, version: Version, body: bytes) -> bytes:
        request = codec.parse(body)
        signature = codec.signature_of(request)
        inputs, rows = codec.decode(request, version.specs(signature))
        size = len(next(iter(inputs.values())))
        if size > self._max_batch:
            raise RequestError(
                400, f"a batch of {size} is larger than {self._max_batch}, the limit"
            )
        result = self._engine.submit(version.signatures[signature], inputs)
        return codec.encode(await asyncio.wrap_future(result), rows)

    def _status(self, match: re.Match) -> bytes:
        states = self._repository.states()
        if match[1] != self._repository.name:
            raise RequestError(404, f"Could not find any versions of model {match[1]}")
        if match[2] or match[3]:
            number = self._version(match).number
            states = {number: states[number]}
        return orjson.dumps(
            {
                "model_version_status": [
                    {
                        "version": str(number),
                        "state": state,
                        "status": {
                            "error_code": "UNKNOWN" if message else "OK",
                            "error_message": message,
                        },
                    }
                    for number, (state, message) in states.items()
                ]
            },
            option=orjson.OPT_INDENT_2,
        )

    def _metadata(self, match: re.Match) -> bytes:
        version = self._version(match)
        signatures = SignatureDefMap(signature_def=version.definitions)
        spec = {
            "name": self._repository.name,
            "signature_name": "",
            "version": str(version.number),
        }
        return orjson.dumps(
            {
                "model_spec": spec,
                "metadata": {
                    "signature_def": json_format.MessageToDict(
                        signatures,
                        preserving_proto_field_name=True,
                        always_print_fields_with_no_presence=True,
                    )
                },
            },
            option=orjson.OPT_INDENT_2,
        )
