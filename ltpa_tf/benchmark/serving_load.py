"""Clients that ask a server as fast as it answers."""

import base64
import http.client
import io
import json
import os
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import grpc
import numpy as np
import tensorflow as tf
from PIL import Image
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

from ltpa_tf import serving

KINDS = ("REST JSON", "REST b64", "gRPC")
TOOLS = ("loop", "library", "wrk")
_WRK = """wrk.method = "POST"
wrk.body = io.open(os.getenv("BODY")):read("*a")
done = function(summary, latency)
  print(string.format(
    '{"requests_per_second": %f, "p50_ms": %f, "p99_ms": %f, "failed": %d}',
    summary.requests / summary.duration * 1e6, latency:percentile(50) / 1e3,
    latency:percentile(99) / 1e3, summary.errors.status + summary.errors.read))
end
"""


def sender(
    kind: str, where: dict, image: np.ndarray, maps: bool | str
) -> Callable[[], int]:
    """A client of its own: each call is one request about one image, answered.

    Args:
        kind: One of `KINDS`.
        where: The server.
        image: uint8 `[H, W, 3]`.
        maps: Whether to ask for maps, or in which compact form.

    Returns:
        A function that asks and returns the bytes of the answer.
    """
    if kind == "gRPC":
        return _grpc(where, image, maps)
    body = rest_body(kind, image, maps)
    connection = http.client.HTTPConnection(where["url"].partition("://")[2])
    connection.connect()
    path = f"/v1/models/{where['name']}:predict"

    def send() -> int:
        connection.request("POST", path, body)
        response = connection.getresponse()
        content = response.read()
        if response.status != 200:
            raise RuntimeError(content.decode())
        return len(content)

    return send


def library(
    kind: str, where: dict, image: np.ndarray, maps: bool
) -> Callable[[], None]:
    """The same with `ltpa_tf.serving.Client`, which checks, encodes and decodes."""
    address = f"grpc://{where['grpc']}" if kind == "gRPC" else where["url"]
    client = serving.Client(address, where["name"])
    if kind == "REST b64":
        content = _jpeg(image)
        return lambda: client.predict_bytes([content], maps=maps)
    return lambda: client.predict(image[None], maps=maps)


def wrk(body: str, where: dict, clients: int, seconds: float) -> dict:
    """What `load` returns, of the load tool wrk, one thread with all connections."""
    with tempfile.TemporaryDirectory() as folder:
        script, content = Path(folder, "post.lua"), Path(folder, "body.json")
        script.write_text(_WRK, encoding="utf-8")
        content.write_text(body, encoding="utf-8")
        url = f"{where['url']}/v1/models/{where['name']}:predict"
        options = ["-t1", f"-c{clients}", f"-d{max(1, round(seconds))}s"]
        done = subprocess.run(
            ["wrk", *options, f"-s{script}", url],
            env={**os.environ, "BODY": str(content)},
            capture_output=True,
            text=True,
            check=True,
        )
    metrics = json.loads(done.stdout.splitlines()[-1])
    if metrics.pop("failed"):
        raise RuntimeError(done.stdout)
    return metrics


def rest_body(kind: str, image: np.ndarray, maps: bool | str) -> str:
    """The JSON of a request about one image."""
    signature = _signature(maps)
    value: object = image.tolist()
    if kind == "REST b64":
        signature = f"{signature.replace('serving_default', 'serving')}_bytes"
        value = {"b64": base64.b64encode(_jpeg(image)).decode()}
    return json.dumps({"signature_name": signature, "instances": [value]})


def _signature(maps: bool | str) -> str:
    if not maps:
        return "serving_default"
    return "attention_maps" if maps is True else f"attention_{maps}"


def _jpeg(image: np.ndarray) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, "JPEG", quality=95)
    return stream.getvalue()


def _grpc(where: dict, image: np.ndarray, maps: bool | str) -> Callable[[], int]:
    options = [("grpc.use_local_subchannel_pool", 1)]
    channel = grpc.insecure_channel(where["grpc"], options)
    stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
    request = predict_pb2.PredictRequest()
    request.model_spec.name = where["name"]
    request.model_spec.signature_name = _signature(maps)
    request.inputs["images"].CopyFrom(tf.make_tensor_proto(image[None]))
    return lambda: stub.Predict(request, timeout=60).ByteSize()


def load(
    make: Callable[[], Callable[[], object]], clients: int, seconds: float
) -> dict:
    """Lets `clients` ask for `seconds`, each waiting for its answer before the next.

    Returns:
        Requests a second, and the 50th and 99th percentile of latency in milliseconds.
    """
    senders = [make() for _ in range(clients)]
    latencies: list[float] = []
    failures: list[Exception] = []
    barrier = threading.Barrier(clients + 1)

    def client(send: Callable[[], None]) -> None:
        own = []
        try:
            send()  # connects, and warms up
            barrier.wait()
            end = time.perf_counter() + seconds
            while (start := time.perf_counter()) < end:
                send()
                own.append(time.perf_counter() - start)
        except Exception as error:
            failures.append(error)
            barrier.abort()
        latencies.extend(own)

    threads = [threading.Thread(target=client, args=(send,)) for send in senders]
    for thread in threads:
        thread.start()
    barrier.wait()
    start = time.perf_counter()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    p50, p99 = np.percentile(latencies, [50, 99])
    return {
        "requests_per_second": len(latencies) / (time.perf_counter() - start),
        "p50_ms": 1000 * p50,
        "p99_ms": 1000 * p99,
    }
