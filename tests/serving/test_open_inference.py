"""The Open Inference Protocol: the development server, asked by Triton's clients."""

import contextlib
import json

import answering
import numpy as np
import pytest
import requests
from google.protobuf.descriptor_pb2 import DescriptorProto

from ltpa_tf import serving
from ltpa_tf.errors import SettingError
from ltpa_tf.serving import open_inference as protocol
from ltpa_tf.serving.server import DevelopmentServer


@pytest.fixture(scope="module")
def server(base):
    with DevelopmentServer(base, rest_port=0, grpc_port=0) as server:
        yield server


@pytest.fixture(scope="module")
def expected(base, images):
    return serving.Predictor.from_saved_model(base).predict(images)


@pytest.fixture(params=["http", "grpc"])
def triton(server, request):
    """Triton's client module, and its client of the development server."""
    module = pytest.importorskip(f"tritonclient.{request.param}")
    address = server.grpc_address
    if request.param == "http":
        address = server.url.removeprefix("http://")
    with contextlib.closing(module.InferenceServerClient(address)) as client:
        yield module, client


def described(client, model) -> dict:
    """A model's metadata as JSON, whichever the transport."""
    found = client.get_model_metadata(model)
    if isinstance(found, dict):
        return found
    from google.protobuf import json_format

    return json_format.MessageToDict(found)


def test_health_and_metadata(triton, server):
    _, client = triton
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready(server.name)
    assert client.is_model_ready(server.name, "1")
    found = described(client, server.name)
    assert found["versions"] == ["1"]
    (images,) = found["inputs"]
    assert images["datatype"] == "UINT8"
    assert [*map(int, images["shape"])] == [-1, 32, 32, 3]
    outputs = {
        one["name"]: (one["datatype"], [*map(int, one["shape"])])
        for one in found["outputs"]
    }
    assert outputs["probabilities"] == ("FP32", [-1, 7])
    assert outputs["top_names"] == ("BYTES", [-1, 5])
    assert outputs["level_2"] == ("FP32", [-1, 32, 32])
    assert outputs["evidence_2"] == outputs["level_2"]
    (encoded,) = described(client, f"{server.name}_bytes")["inputs"]
    assert encoded["datatype"] == "BYTES"


def test_what_is_not_there(triton, server):
    _, client = triton
    errors = pytest.importorskip("tritonclient.utils").InferenceServerException
    for model, version in (("other", ""), (server.name, "9"), (server.name, "one")):
        with pytest.raises(errors, match="version"):
            client.get_model_metadata(model, version)


def ask(triton, model, name, array, outputs=(), **options):
    """What Triton's client makes of the answer."""
    module, client = triton
    tensor = module.InferInput(name, array.shape, protocol.datatype(array.dtype))
    tensor.set_data_from_numpy(array, **options)
    asked = [module.InferRequestedOutput(one, **options) for one in outputs]
    return client.infer(model, [tensor], outputs=asked or None, request_id="a 7")


def test_pixels(triton, server, images, expected):
    answer = ask(triton, server.name, "images", images)
    assert_answers(answer, expected)
    response = answer.get_response()
    if not isinstance(response, dict):
        assert (response.id, response.model_version) == ("a 7", "1")
    else:
        assert (response["id"], response["model_version"]) == ("a 7", "1")


def test_json_alone(server, images, expected):
    module = pytest.importorskip("tritonclient.http")
    address = server.url.removeprefix("http://")
    with contextlib.closing(module.InferenceServerClient(address)) as client:
        names = ["probabilities", "top_names", "level_2", "evidence_2"]
        answer = ask(
            (module, client), server.name, "images", images, names, binary_data=False
        )
        assert_answers(answer, expected)
        assert "parameters" not in answer.get_response()["outputs"][0]


def assert_answers(answer, expected):
    def arrays(name):
        return answer.as_numpy(name)

    names = [[_text(one) for one in row] for row in arrays("top_names").tolist()]
    assert names == [list(one.names) for one in expected]
    for name, of in (
        ("probabilities", lambda one: one.probabilities),
        ("level_2", lambda one: one.maps[2]),
        ("evidence_2", lambda one: one.evidence[2]),
    ):
        wanted = np.stack([of(one) for one in expected])
        np.testing.assert_allclose(arrays(name), wanted, atol=1e-5)


def _text(one):  # in JSON it is text already
    return one.decode() if isinstance(one, bytes) else one


def test_files(triton, server, images, encode, expected):
    files = np.array([encode(one) for one in images], object)
    answer = ask(triton, f"{server.name}_bytes", "encoded", files)
    assert_answers(answer, expected)


def test_only_what_is_asked_for(triton, server, images):
    answer = ask(triton, server.name, "images", images, ["level_2", "top_classes"])
    assert answer.as_numpy("level_2").shape == (5, 32, 32)
    assert answer.as_numpy("top_classes").dtype == np.int32
    assert answer.as_numpy("probabilities") is None


@pytest.fixture(params=["rest", "grpc"])
def connect(server, request):
    address = {"rest": server.url, "grpc": f"grpc://{server.grpc_address}"}

    def connect(**options):
        return serving.Client(
            address[request.param], server.name, protocol="v2", **options
        )

    return connect


def assert_alike(found, expected):
    for one, other in zip(found, expected, strict=True):
        assert (one.names, one.classes) == (other.names, other.classes)
        np.testing.assert_allclose(one.probabilities, other.probabilities, atol=1e-5)
        for kind in ("maps", "image_maps", "evidence"):
            own, others = getattr(one, kind), getattr(other, kind)
            assert [*own] == [*others] == [2, 4]
            for level, values in own.items():
                np.testing.assert_allclose(values, others[level], atol=1e-4)


def test_our_client(connect, images, encode, expected):
    with connect(version=1) as client:
        assert client.image_shape == (32, 32, 3)
        assert client.states() == {1: "AVAILABLE"}
        assert_alike(client.predict(images), expected)
        assert_alike(client.predict_bytes([encode(one) for one in images]), expected)
        (plain,) = client.predict(images[:1], maps=False)
        assert (plain.maps, plain.names) == ({}, expected[0].names)


def test_our_client_refused(connect, tmp_path):
    (tmp_path / "no.png").write_text("no image")
    with connect() as client, pytest.raises(SettingError, match=r"no\.png"):
        client.predict_files([tmp_path / "no.png"])
    with connect(version=9) as client, pytest.raises(serving.NotServed):
        client.states()
    with pytest.raises(SettingError, match="v2 has versions alone"):
        connect(label="stable")
    with pytest.raises(SettingError, match="v1 or v2"):
        serving.Client("http://127.0.0.1", "m", protocol="v3")


class WithoutBytes(answering.AnsweringServer):
    """Answers of our server, as KServe 0.21's Python server words them."""

    def __init__(self, server):
        class Answers(answering.Handler):
            def do_GET(self):
                found = requests.get(f"{server.url}{self.path}")
                content = found.json()
                if self.path == "/v2":
                    content["extensions"] = ["model_repository_extension"]
                elif found.ok:
                    content["versions"] = None
                self.answer(found.status_code, content)

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                found = requests.post(f"{server.url}{self.path}", body)
                content = found.json()
                for one in content["outputs"]:
                    one["parameters"] = None
                self.answer(found.status_code, {**content, "parameters": None})

            def answer(self, status, content):
                super().answer(status, json.dumps(content).encode())

        super().__init__(Answers)


def test_our_client_of_a_server_that_takes_json_alone(server, images, encode, expected):
    with (
        WithoutBytes(server) as other,
        serving.Client(other.url, server.name, protocol="v2") as client,
    ):
        assert client.states() == {}
        assert_alike(client.predict(images), expected)
        files = [encode(one) for one in images]  # JSON has no bytes: decoded here
        assert_alike(client.predict_bytes(files), expected)
        with pytest.raises(serving.RequestRefused):
            client.predict_bytes([b"no image"])
        assert client.predict_bytes([]) == client.predict_files([]) == []
        with pytest.raises(SettingError, match=r"gone\.png"):
            client.predict_files(["gone.png"])


def fields_of(message):
    proto = DescriptorProto()
    message.DESCRIPTOR.CopyToProto(proto)
    return proto


def test_messages_are_those_of_the_protocol():
    theirs = pytest.importorskip("tritonclient.grpc.service_pb2")
    nested = {
        "InferInputTensor": theirs.ModelInferRequest,
        "InferRequestedOutputTensor": theirs.ModelInferRequest,
        "InferOutputTensor": theirs.ModelInferResponse,
        "TensorMetadata": theirs.ModelMetadataResponse,
    }
    assert len(protocol.MESSAGES) > 15
    for name, own in protocol.MESSAGES.items():
        there = getattr(nested.get(name, theirs), name)
        known = {field.name: field for field in fields_of(there).field}
        for field in fields_of(own).field:
            other = known[field.name]
            assert (field.number, field.type, field.label) == (
                other.number,
                other.type,
                other.label,
            )
    assert theirs.DESCRIPTOR.services_by_name["GRPCInferenceService"].full_name == (
        protocol.SERVICE
    )
