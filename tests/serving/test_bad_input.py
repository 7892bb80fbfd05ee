"""Thousands of bad requests: each gets a 4xx with a sentence, and the server lives."""

import base64
import collections
import gc
import json
import resource
import struct
import zlib
from pathlib import Path

import grpc
import numpy as np
import pytest
import requests
from tensorflow.core.framework.tensor_pb2 import TensorProto
from tensorflow.core.framework.types_pb2 import DataType
from tensorflow_serving.apis.predict_pb2 import PredictRequest

REQUESTS = 2400
REFUSALS = (
    grpc.StatusCode.INVALID_ARGUMENT,
    grpc.StatusCode.NOT_FOUND,
    grpc.StatusCode.FAILED_PRECONDITION,
    grpc.StatusCode.INTERNAL,  # from gRPC itself: no message at all
)
SHAPE = (32, 32, 3)


class BadRequests:
    """Generates requests that are wrong in one way each, the same for the same seed."""

    def __init__(self, encode, seed=0):
        self.rng = np.random.default_rng(seed)
        self.png = encode(self.image())
        self.jpeg = encode(self.image((90, 70, 3)), "JPEG")
        self.encode = encode

    def image(self, shape=SHAPE):
        return self.rng.integers(0, 256, shape, np.uint8)

    def some(self, *choices):
        return choices[self.rng.integers(len(choices))]

    def raw(self, values):
        key = self.some("instances", "inputs")
        return {
            "json": {key: values, **self.some({}, {"signature_name": "attention_maps"})}
        }

    def files(self, *contents):
        values = [{"b64": base64.b64encode(one).decode()} for one in contents]
        name = self.some("serving_bytes", "attention_maps_bytes")
        return {
            "json": {"signature_name": name, self.some("instances", "inputs"): values}
        }

    def wrong_rank(self):
        rank = self.some(0, 1, 2, 3, 5, 6)
        return self.raw(np.zeros((2,) * rank, int).tolist())

    def wrong_size(self):
        shape = self.rng.integers(1, 40, 3)
        shape[2] = self.some(1, 2, 4)
        return self.raw(np.zeros((1, *shape), int).tolist())

    def ragged(self):
        values = self.image((1, *SHAPE)).tolist()
        del values[0][self.rng.integers(32)][self.rng.integers(32)]
        return self.raw(values)

    def wrong_type(self):
        values = self.image((1, *SHAPE)).tolist()
        row = values[0][self.rng.integers(32)]
        row[self.rng.integers(32)][self.rng.integers(3)] = self.some(
            1.5, "1", None, True, {}, [], [1], {"b64": "AA=="}, 10**30, -(10**19)
        )
        return self.raw(values)

    def wrong_range(self):
        values = self.image((1, *SHAPE)).astype(int)
        place = tuple(self.rng.integers(0, one) for one in values.shape)
        values[place] = self.some(2**31, -(2**40), -(2**31) - 1)
        return self.raw(values.tolist())

    def not_a_number(self):
        row = json.dumps(np.zeros((1, *SHAPE), int).tolist())
        word = self.some("NaN", "Infinity", "-Infinity", "1e999", "nan", "0x10", "01")
        return {"data": f'{{"instances": {row.replace("0", word, 1)}}}'}

    def wrong_names(self):
        one = self.image().tolist()
        return {
            "json": self.some(
                {"instances": [{"image": one}]},
                {"instances": [{"images": one, "more": 1}]},
                {"instances": [{"images": one}, one]},
                {"inputs": {"image": [one]}},
                {"inputs": {"more": [one]}},
                {"inputs": {}},
                {"instance": [one]},
                {"instances": [one], "inputs": [one]},
                {"signature_name": "serving", "instances": [one]},
                {"signature_name": "serving_bytes", "instances": [one]},
                {"signature_name": ["serving_default"], "instances": [one]},
            )
        }

    def wrong_json(self):
        whole = json.dumps({"instances": self.image((1, 4, 4, 3)).tolist()}).encode()
        return {
            "data": self.some(
                whole[: self.rng.integers(len(whole))],
                whole + b"}",
                self.rng.bytes(self.rng.integers(1, 500)),
                b"[" * self.some(10, 1_000, 100_000),
                b'{"a":' * self.some(10, 1_000, 100_000),
                b"null",
                b'"instances"',
                b"7",
                b"\x00",
                '{"instances": "\ud83d"}'.encode("utf-8", "surrogatepass"),
            )
        }

    def wrong_base64(self):
        text = base64.b64encode(self.png).decode()
        cut = int(self.rng.integers(1, len(text) - 4))
        value = self.some(
            text[:cut] + "%" + text[cut:],
            text[: cut - cut % 4 + 1],
            text.replace("/", "_").replace("+", "-") + "_-",
            "ümlaut",
            "",
        )
        instances = [self.some({"b64": value}, {"b64": [value]}, {"b64": None})]
        return {"json": {"signature_name": "serving_bytes", "instances": instances}}

    def truncated_file(self):
        whole = self.some(self.png, self.jpeg)
        return self.files(whole[: self.rng.integers(0, int(0.9 * len(whole)))])

    def broken_file(self):
        start = self.some(
            b"", self.png[:8], self.png[:33], self.jpeg[:3], b"GIF89a", b"BM"
        )
        return self.files(start + self.rng.bytes(self.rng.integers(0, 2_000)))

    def damaged_png(self):
        content = bytearray(self.png)
        content[self.rng.integers(len(content) - 12)] ^= 1 << self.rng.integers(8)
        return self.files(bytes(content))

    def one_bad_file_among_good_ones(self):
        files = [self.png] * 5
        files[self.rng.integers(5)] = self.png[:100]
        return self.files(*files)

    def huge_image(self):
        width, height = self.rng.integers(2**13, 2**31, 2)
        return self.files(_png_of_zeros(int(width), int(height)))

    def animation(self):
        frames = [self.image((8, 8, 3)) for _ in range(3)]
        return self.files(_animation(frames, self.some("GIF", "PNG", "WEBP")))

    def batch_over_the_limit(self):
        return self.files(*[self.png] * int(self.rng.integers(33, 40)))

    def wrong_path(self):
        name = self.some(
            "..", "../animals", "..%2f..%2fetc%2fpasswd", "%2e%2e/animals",
            "animals%00", "animals/../animals", "other", "", "%ff", "x" * 3000,
            "animals/versions/-1", "animals/versions/99999999999999999999",
            "animals/versions/1/labels/stable", "animals/labels/none",
            "animals/labels/..", "animals/versions/1.0", "~root", "$(id)",
        )  # fmt: skip
        verb = self.some(":predict", ":classify", ":regress", ":", ":train", "")
        return {"path": f"/v1/models/{name}{verb}", "json": {"instances": [1]}}

    def wrong_method(self):
        return {"method": self.some("PUT", "DELETE", "PATCH", "GET"), "json": {}}

    def kinds(self):
        return [
            value
            for name, value in vars(BadRequests).items()
            if not name.startswith("_")
            and name not in ("image", "some", "raw", "files", "kinds")
        ]


def _chunk(kind, data):
    return (
        struct.pack(">I", len(data))
        + kind
        + data
        + struct.pack(">I", zlib.crc32(kind + data))
    )


def _png_of_zeros(width, height):
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + _chunk(b"IHDR", header)
        + _chunk(b"IDAT", zlib.compress(bytes(10_000)))
        + _chunk(b"IEND", b"")
    )


def _animation(frames, form):
    import io

    from PIL import Image

    first, *rest = map(Image.fromarray, frames)
    stream = io.BytesIO()
    first.save(stream, form, save_all=True, append_images=rest)
    return stream.getvalue()


def memory():
    """Megabytes of this process that are in memory."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


@pytest.fixture
def server(development):
    return development


def good_answer(server, session):
    url = f"{server.url}/v1/models/{server.name}:predict"
    zeros = np.zeros((1, *SHAPE), int).tolist()
    response = session.post(url, json={"instances": zeros})
    assert response.status_code == 200
    return response.json()


@pytest.mark.slow
def test_every_bad_request_gets_a_sentence(server, encode):
    bad = BadRequests(encode)
    kinds = bad.kinds()
    session = requests.Session()
    before = good_answer(server, session)
    counts, wrong, level = collections.Counter(), [], 0.0
    for number in range(REQUESTS):
        kind = kinds[number % len(kinds)]
        request = {"method": "POST", **kind(bad)}
        path = request.pop("path", f"/v1/models/{server.name}:predict")
        prepared = requests.Request(url=server.url, **request).prepare()
        prepared.url = server.url + path  # not normalized, as an attacker would
        response = session.send(prepared)
        try:
            sentence = response.json()["error"]
        except (ValueError, KeyError):
            sentence = ""
        internal = "node" in sentence or "Graph" in sentence or len(sentence) > 4_000
        if not 400 <= response.status_code < 500 or len(sentence) < 10 or internal:
            wrong.append((kind.__name__, response.status_code, response.text[:200]))
        counts[kind.__name__] += 1
        if number == REQUESTS // 2:
            level = memory()
    assert wrong == []
    assert min(counts.values()) >= 100
    assert good_answer(server, session) == before
    assert memory() - level < 50  # megabytes over the second half


class BadTensors:
    """Generates gRPC requests that are wrong, the same for the same seed."""

    def __init__(self, name, png, seed=0):
        self.rng = np.random.default_rng(seed)
        self.name = name
        self.png = png

    def some(self, *choices):
        return choices[self.rng.integers(len(choices))]

    def request(self, proto, **spec):
        spec = {"name": self.name, **spec}
        name = self.some("images", "images", "encoded", "", "pixels")
        request = PredictRequest(model_spec=spec, inputs={name: proto})
        return request.SerializeToString()

    def wrong_type(self):
        dtype = self.some(*set(DataType.values()) - {DataType.Value("DT_UINT8")})
        return self.request(tensor(dtype, tensor_content=self.rng.bytes(3072)))

    def wrong_shape(self):
        rank = self.rng.integers(0, 9)
        shape = [
            int(self.some(-(2**62), -1, 1, 2, 31, 2**31, 2**62)) for _ in range(rank)
        ]
        return self.request(tensor(shape=shape, int_val=[1]))

    def wrong_content(self):
        size = self.some(1, 7, 3071, 3073, 10_000)
        return self.request(tensor(tensor_content=self.rng.bytes(size)))

    def too_many(self):
        shape = (int(self.rng.integers(33, 2**40)), *SHAPE)
        return self.request(tensor(shape=shape, int_val=[1]))

    def no_image(self):
        start = self.some(b"", self.png[:8], self.png[:33], b"\xff\xd8\xff")
        proto = tensor("DT_STRING", (1,), string_val=[start + self.rng.bytes(50)])
        return self.request(proto, signature_name="serving_bytes")

    def wrong_model(self):
        spec = self.some(
            {"name": ""},
            {"name": "other"},
            {"version": {"value": int(self.rng.integers(2, 2**62))}},
            {"version_label": self.some("", "nightly", "..", "x" * 1000)},
            {"signature_name": self.some("none", " ", "__saved_model_init_op")},
        )
        return self.request(tensor(int_val=[1]), **spec)

    def cut(self):
        whole = self.request(tensor(tensor_content=self.rng.bytes(3072)))
        return whole[: self.rng.integers(1, len(whole))]

    def garbage(self):
        return self.rng.bytes(self.rng.integers(1, 500))

    def kinds(self):
        return [
            value
            for name, value in vars(BadTensors).items()
            if not name.startswith("_") and name not in ("some", "request", "kinds")
        ]


def tensor(dtype="DT_UINT8", shape=(1, *SHAPE), **values):
    dims = [{"size": size} for size in shape]
    return TensorProto(dtype=dtype, tensor_shape={"dim": dims}, **values)


@pytest.mark.slow
def test_a_flood_of_bad_grpc_requests(server, encode):
    bad = BadTensors(server.name, encode(np.zeros(SHAPE, np.uint8)))
    session = requests.Session()
    before = good_answer(server, session)
    counts, wrong, level = collections.Counter(), [], 0.0
    with grpc.insecure_channel(server.grpc_address) as channel:
        predict = channel.unary_unary("/tensorflow.serving.PredictionService/Predict")
        for number in range(REQUESTS):
            kind = bad.kinds()[number % len(bad.kinds())]
            with pytest.raises(grpc.RpcError) as caught:
                predict(kind(bad), timeout=60)
            code, sentence = caught.value.code(), caught.value.details()
            if code not in REFUSALS or len(sentence) < 10:
                wrong.append((kind.__name__, code, sentence))
            counts[kind.__name__] += 1
            if number == REQUESTS // 2:
                level = memory()
    assert wrong == []
    assert min(counts.values()) >= 250
    assert good_answer(server, session) == before
    assert memory() - level < 50  # megabytes over the second half


@pytest.mark.slow
def test_100_mb_bodies_are_refused_and_not_kept(server):
    session = requests.Session()
    url = f"{server.url}/v1/models/{server.name}:predict"
    good_answer(server, session)
    level = memory()
    for _ in range(4):
        response = session.post(url, data=(bytes(2**20) for _ in range(100)))
        assert response.status_code == 413
        assert "bytes" in response.json()["error"]
    good_answer(server, session)
    assert memory() - level < 100
