"""Many requests of the Open Inference Protocol with chance changes, each way.

Each gets an answer, or a refusal with a sentence, and the server lives.
"""

import copy
import json
import random

import grpc
import numpy as np
import pytest
import requests

from ltpa_tf import serving
from ltpa_tf.serving import open_inference as protocol
from ltpa_tf.serving.server import DevelopmentServer

REQUESTS = 600
IMAGES = {"name": "images", "shape": [1, 32, 32, 3], "datatype": "UINT8"}
GOOD = {
    "id": "a",
    "inputs": [
        {
            "name": "images",
            "shape": [1, 32, 32, 3],
            "datatype": "UINT8",
            "data": [0] * 9,
        }
    ],
    "outputs": [{"name": "level_2", "parameters": {"binary_data": False}}],
    "parameters": {"binary_data_output": False},
}
JUNK = (None, True, 0, -1, 1.5, 2**70, "", "x", [], {}, [[]], [None], {"a": 1}, "BYTES")


def places(value, path=()):
    if path:
        yield path
    if isinstance(value, dict | list):
        items = value.items() if isinstance(value, dict) else enumerate(value[:4])
        for key, one in items:
            yield from places(one, (*path, key))


def changed(rng):
    """JSON with something else in a place, or without it."""
    request = copy.deepcopy(GOOD)
    *parents, last = rng.choice([*places(request)])
    place = request
    for key in parents:
        place = place[key]
    if rng.random() < 0.2:
        del place[last]
    else:
        place[last] = copy.deepcopy(rng.choice(JUNK))
    return request


def over_rest(rng):
    """Body and headers, with binary data or without."""
    request, headers, tail = changed(rng), {}, b""
    inputs = request.get("inputs")
    if rng.random() < 0.5 and inputs and isinstance(inputs, list):
        if isinstance(inputs[0], dict):
            inputs[0].pop("data", None)
            size = rng.choice([3072, 3072, 3071, 0, -1, "3072", True, None, 10**12])
            inputs[0]["parameters"] = {"binary_data_size": size}
        tail = bytes(rng.choice([3072, 3072, 3071, 0, 4000]))
        length = len(json.dumps(request))
        length = rng.choice([length, length, 0, length - 1, length + 1, 10**9, "-1"])
        headers[protocol.HEADER_LENGTH] = str(length)
    body = json.dumps(request).encode() + tail
    return body[: rng.randrange(len(body))] if rng.random() < 0.1 else body, headers


def over_rpc(rng):
    """A message with some bytes changed, mostly of those before the pixels."""
    message = bytearray(
        protocol.MESSAGES["ModelInferRequest"](
            model_name="animals",
            inputs=[IMAGES],
            outputs=[{"name": "level_2"}],
            raw_input_contents=[bytes(3072)],
        ).SerializeToString()
    )
    for _ in range(rng.choice([1, 2, 5])):
        message[rng.randrange(90)] = rng.randrange(256)
    return bytes(
        message[: rng.randrange(len(message))] if rng.random() < 0.2 else message
    )


@pytest.mark.slow
def test_a_flood(base, caplog):
    rng = random.Random(0)
    codes, refused = set(), set()
    with (
        DevelopmentServer(base, rest_port=0, grpc_port=0) as server,
        requests.Session() as session,
        grpc.insecure_channel(server.grpc_address) as channel,
    ):
        url = f"{server.url}/v2/models/{server.name}/infer"
        infer = channel.unary_unary(f"/{protocol.SERVICE}/ModelInfer")
        for _ in range(REQUESTS):
            body, headers = over_rest(rng)
            response = session.post(url, body, headers=headers)
            codes.add(response.status_code)
            assert response.ok or response.json()["error"]
            try:
                infer(over_rpc(rng), timeout=60)
            except grpc.RpcError as error:
                refused.add(error.code().name)
        assert codes == {200, 400}
        # The last is gRPC's own, of bytes that are no message.
        assert refused <= {"INVALID_ARGUMENT", "NOT_FOUND", "INTERNAL"}
        with serving.Client(server.url, server.name, protocol="v2") as client:
            assert client.predict(np.zeros((1, 32, 32, 3), np.uint8))
    told = {one.getMessage() for one in caplog.records}
    assert told <= {"Exception deserializing message!"}
