"""Requests of the Open Inference Protocol that are wrong: each gets a sentence."""

import json
import struct

import grpc
import numpy as np
import pytest
import requests

from ltpa_tf import serving
from ltpa_tf.serving import open_inference as protocol
from ltpa_tf.serving.server import DevelopmentServer


@pytest.fixture(scope="module")
def server(base):
    with DevelopmentServer(base, rest_port=0, grpc_port=0) as server:
        yield server


def tensor(**changes) -> dict:
    whole = {"name": "images", "shape": [1, 32, 32, 3], "datatype": "UINT8"}
    return {**whole, "data": [0] * 3072, **changes}


BINARY = {"parameters": {"binary_data_size": 3072}}
_BAD = {
    "no JSON": b"{",
    "no object": b"[]",
    "no inputs": {},
    "inputs that are no list": {"inputs": {}},
    "an input that is no object": {"inputs": [1]},
    "two inputs": {"inputs": [tensor(), tensor()]},
    "another name": {"inputs": [tensor(name="image")]},
    "a name that is no text": {"inputs": [tensor(name=None)]},
    "another type": {"inputs": [tensor(datatype="FP32")]},
    "a type that is none": {"inputs": [tensor(datatype="FP7")]},
    "a shape that is none": {"inputs": [tensor(shape="1")]},
    "a shape of booleans": {"inputs": [tensor(shape=[True, 32, 32, 3])]},
    "a negative shape": {"inputs": [tensor(shape=[-1, 32, 32, 3])]},
    "another size": {"inputs": [tensor(shape=[1, 16, 64, 3])]},
    "no image": {"inputs": [tensor(shape=[0, 32, 32, 3], data=[])]},
    "a huge batch": {"inputs": [tensor(shape=[2**40, 32, 32, 3])]},
    "too few values": {"inputs": [tensor(data=[0] * 3071)]},
    "values too large": {"inputs": [tensor(data=[256] + [0] * 3071)]},
    "fractions": {"inputs": [tensor(data=[0.5] + [0] * 3071)]},
    "texts": {"inputs": [tensor(data=["0"] * 3072)]},
    "booleans": {"inputs": [tensor(data=[True] + [0] * 3071)]},
    "no data": {"inputs": [{k: v for k, v in tensor().items() if k != "data"}]},
    "data twice": {"inputs": [tensor(**BINARY)]},
    "binary data that isn't there": {
        "inputs": [{k: v for k, v in tensor(**BINARY).items() if k != "data"}]
    },
    "unknown parameters": {
        "inputs": [tensor(parameters={"shared_memory_region": "a"})]
    },
    "an unknown output": {"inputs": [tensor()], "outputs": [{"name": "logits"}]},
    "an output twice": {"inputs": [tensor()], "outputs": [{"name": "level_2"}] * 2},
    "classification": {
        "inputs": [tensor()],
        "outputs": [{"name": "probabilities", "parameters": {"classification": 3}}],
    },
}


@pytest.mark.parametrize("body", _BAD.values(), ids=_BAD.keys())
def test_a_bad_request_gets_a_sentence(server, body):
    content = body if isinstance(body, bytes) else json.dumps(body)
    url = f"{server.url}/v2/models/{server.name}/infer"
    response = requests.post(url, content)
    assert response.status_code == 400
    assert response.json()["error"]


@pytest.mark.parametrize(
    ("length", "content"),
    [
        ("-1", b""),
        ("999999", b""),
        ("x", b""),
        (None, b"one byte more"),
    ],
)
def test_bad_binary(server, length, content):
    head = {"inputs": [{**tensor(), **BINARY}]}
    del head["inputs"][0]["data"]
    text = json.dumps(head).encode()
    headers = {protocol.HEADER_LENGTH: length or str(len(text))}
    response = requests.post(
        f"{server.url}/v2/models/{server.name}/infer",
        text + bytes(3072) + content,
        headers=headers,
    )
    assert response.status_code == 400
    assert response.json()["error"]


def test_other_paths(server):
    root = f"{server.url}/v2"
    codes = {
        path: requests.get(f"{root}{path}").status_code
        for path in (
            "",
            "/health/live",
            "/health/ready",
            f"/models/{server.name}/ready",
        )
    }
    assert set(codes.values()) == {200}
    assert requests.get(f"{root}/models/other/ready").status_code == 404
    assert requests.get(f"{root}/health").status_code == 400
    assert requests.post(f"{root}/models/{server.name}").status_code == 400
    assert requests.get(f"{root}/models/{server.name}/infer").status_code == 400


def request(**changes):
    one = {"name": "images", "datatype": "UINT8", "shape": [1, 32, 32, 3]}
    fields = {"inputs": [{**one, **changes}], "raw_input_contents": [bytes(3072)]}
    return {"model_name": "animals", **fields}


_BAD_RPC = {
    "no inputs": {"model_name": "animals"},
    "no raw content": {**request(), "raw_input_contents": []},
    "two raw contents": {**request(), "raw_input_contents": [bytes(3072)] * 2},
    "too short": {**request(), "raw_input_contents": [bytes(3071)]},
    "another name": request(name="image"),
    "another type": request(datatype="INT8"),
    "another shape": request(shape=[1, 16, 64, 3]),
    "a negative shape": request(shape=[-1, -32, 32, 3]),
    "a huge shape": request(shape=[2**62, 32, 32, 3]),
    "contents twice": request(contents={"uint_contents": [0] * 3072}),
    "shared memory": request(parameters={"shared_memory_region": {}}),
    "another output": {**request(), "outputs": [{"name": "logits"}]},
    "an odd version": {**request(), "model_version": "1.0"},
    "values too large": {
        **request(contents={"uint_contents": [300] * 3072}),
        "raw_input_contents": [],
    },
    "files cut off": {
        "model_name": "animals_bytes",
        "inputs": [{"name": "encoded", "datatype": "BYTES", "shape": [1]}],
        "raw_input_contents": [struct.pack("<I", 9) + b"short"],
    },
    "files that are none": {
        "model_name": "animals_bytes",
        "inputs": [{"name": "encoded", "datatype": "BYTES", "shape": [1]}],
        "raw_input_contents": [struct.pack("<I", 4) + b"none"],
    },
}


def infer(server, fields):
    with grpc.insecure_channel(server.grpc_address) as channel:
        call = channel.unary_unary(
            f"/{protocol.SERVICE}/ModelInfer",
            protocol.MESSAGES["ModelInferRequest"].SerializeToString,
            protocol.MESSAGES["ModelInferResponse"].FromString,
        )
        return call(protocol.MESSAGES["ModelInferRequest"](**fields), timeout=60)


@pytest.mark.parametrize("fields", _BAD_RPC.values(), ids=_BAD_RPC.keys())
def test_a_bad_rpc_gets_a_sentence(server, fields):
    with pytest.raises(grpc.RpcError) as caught:
        infer(server, fields)
    assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert caught.value.details()


def test_typed_contents_are_none_of_them(server, base, images):
    expected = serving.Predictor.from_saved_model(base).predict(images)
    contents = {"uint_contents": images.ravel().tolist()}
    fields = request(shape=[*images.shape], contents=contents)
    found = infer(server, {**fields, "raw_input_contents": []})
    raw = dict(
        zip((x.name for x in found.outputs), found.raw_output_contents, strict=True)
    )
    probabilities = np.frombuffer(raw["probabilities"], "<f4").reshape(5, 7)
    wanted = [one.probabilities for one in expected]
    np.testing.assert_allclose(probabilities, wanted, atol=1e-5)
