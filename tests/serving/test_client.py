"""The client: what it refuses itself, and how it fails."""

import base64
import concurrent.futures
import http.client
import http.server
import json
import shutil
import socket
import ssl
import subprocess
import threading
import urllib.parse

import answering
import grpc
import numpy as np
import pytest
from ports import free_port
from tensorflow_serving.apis import get_model_status_pb2, model_service_pb2_grpc

from ltpa_tf import serving
from ltpa_tf.errors import SettingError


@pytest.fixture
def server(development):
    return development


@pytest.fixture(params=["rest", "grpc"])
def connect(server, request):
    address = {"rest": server.url, "grpc": f"grpc://{server.grpc_address}"}

    def connect(model=server.name, **options):
        return serving.Client(address[request.param], model, **options)

    return connect


IMAGE = np.zeros((1, 32, 32, 3), np.uint8)


def test_what_a_server_would_misread_is_refused(connect, misread):
    images, said = misread
    with connect() as client, pytest.raises(SettingError, match=said) as caught:
        client.predict(images)
    assert "0 to 255" in str(caught.value)


def test_whole_numbers_of_any_type_are_taken(connect, images):
    with connect() as client:
        expected = client.predict(images)
        for dtype in (int, np.uint16, float, np.float32):
            for one, other in zip(
                client.predict(images.astype(dtype)), expected, strict=True
            ):
                np.testing.assert_array_equal(one.probabilities, other.probabilities)


def test_more_images_than_a_server_takes_go_in_several_requests(connect, images):
    many = np.concatenate([images] * 14)
    with connect() as client:
        predictions = client.predict(many)
        assert len(predictions) == 70
        np.testing.assert_allclose(
            predictions[69].probabilities, predictions[4].probabilities, atol=1e-6
        )
        with connect(batch=70) as greedy, pytest.raises(serving.RequestRefused):
            greedy.predict(many)


def test_a_bad_file_is_named(connect, tmp_path, images, encode):
    files = [tmp_path / name for name in ("a.png", "b.png")]
    files[0].write_bytes(encode(images[0]))
    files[1].write_text("no image")
    with connect() as client:
        with pytest.raises(SettingError, match=r"b\.png.*no image"):
            client.predict_files(files)
        assert len(client.predict_files(files[:1])) == 1
        with pytest.raises(SettingError, match=r"gone\.png"):
            client.predict_files([tmp_path / "gone.png"])


def test_files_too_large_for_one_request_go_in_several(connect, tmp_path, encode):
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (1700, 1700, 3), np.uint8)
    large = encode(noise)  # 8.7 MB
    files = [tmp_path / f"{number}.png" for number in range(5)]
    for file in files:
        file.write_bytes(large)
    files[2].write_text("no image")
    log, errors = tmp_path / "log.jsonl", []
    with connect(log=log) as client:
        found = client.predict_files(files, errors=errors)
    assert [one is None for one in found] == [False, False, True, False, False]
    assert len(errors) == 1
    assert len(log.read_text().splitlines()) == 4  # none was asked about twice


class Neighbours(answering.AnsweringServer):
    """A server of ours, which answers as a batching one does beside bad requests."""

    def __init__(self, server, refused):
        self.asked, self.refused = 0, refused
        parts = urllib.parse.urlsplit(server.url)
        outer = self

        class Answers(answering.Handler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                self.forward("GET", None)

            def do_POST(self):
                outer.asked += 1
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if outer.asked <= outer.refused:
                    self.answer(400, b'{"error": "Input size should match"}')
                else:
                    self.forward("POST", body)

            def forward(self, method, body):
                connection = http.client.HTTPConnection(parts.netloc)
                connection.request(method, self.path, body)
                response = connection.getresponse()
                self.answer(response.status, response.read())
                connection.close()

        super().__init__(Answers)


@pytest.fixture
def good_files(tmp_path, images, encode):
    files = [tmp_path / f"{number}.png" for number in range(2)]
    for file, image in zip(files, images, strict=False):
        file.write_bytes(encode(image))
    return files


def test_a_good_file_is_not_blamed_for_its_neighbours(server, good_files):
    # All together, the first one alone, and once more.
    with (
        Neighbours(server, refused=2) as neighbours,
        serving.Client(neighbours.url, server.name) as client,
    ):
        assert len(client.predict_files(good_files)) == 2
        assert neighbours.asked == 4
    with (
        Neighbours(server, refused=99) as neighbours,
        serving.Client(neighbours.url, server.name, retries=1) as client,
        pytest.raises(serving.RequestRefused, match=r"0\.png alone.*decoded here"),
    ):
        client.predict_files(good_files)


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"model": "other"}, serving.NotServed),
        ({"version": 9}, serving.NotServed),
        ({"label": "nightly"}, serving.RequestRefused),
    ],
)
def test_what_is_not_served(connect, options, error, images, encode, tmp_path):
    file = tmp_path / "a.png"  # is not to blame
    file.write_bytes(encode(images[0]))
    with connect(**options) as client:
        for ask in (
            lambda: client.predict(IMAGE),
            lambda: client.predict_files([file]),
            lambda: client.predict_files([file], maps=False),
        ):
            with pytest.raises(error):
                ask()


def test_versions_and_labels(connect, images):
    answers = []
    for options in ({}, {"version": 1}, {"label": "stable"}, {"label": "canary"}):
        with connect(**options) as client:
            answers.append(client.predict(images[:1])[0].probabilities)
    for one in answers[1:]:
        np.testing.assert_array_equal(one, answers[0])


@pytest.mark.parametrize("scheme", ["http", "grpc"])
def test_nobody_there(scheme):
    address = f"{scheme}://127.0.0.1:{free_port()}"
    with (
        serving.Client(address, "m", retries=1) as client,
        pytest.raises(serving.ServerUnreachable),
    ):
        client.predict(IMAGE)


@pytest.mark.parametrize("scheme", ["http", "grpc"])
def test_no_answer_in_time(scheme):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"{scheme}://127.0.0.1:{silent.getsockname()[1]}"
        with (
            serving.Client(address, "m", retries=0, timeout=0.3) as client,
            pytest.raises(serving.ServerUnreachable),
        ):
            client.states()


@pytest.mark.parametrize(
    "server",
    ["127.0.0.1:8501", "ftp://127.0.0.1", "http://", "", "grpc:127.0.0.1:8500"],
)
def test_addresses_that_are_none(server):
    with pytest.raises(SettingError, match="grpc://HOST:PORT"):
        serving.Client(server, "m")


def test_version_and_label_exclude_each_other():
    with pytest.raises(SettingError, match="one of them"):
        serving.Client("http://127.0.0.1", "m", version=1, label="stable")


def test_a_batch_of_no_images():
    with pytest.raises(SettingError, match="batch: expected 1 or more"):
        serving.Client("http://127.0.0.1", "m", batch=0)


STATES = b'{"model_version_status": [{"version": "3", "state": "AVAILABLE"}]}'


@pytest.fixture
def flaky():
    """Fails with the codes in `failures`, one a request, then answers.

    `seen` gets what was asked for, and with which password.
    """
    failures, seen = [], []

    class Answers(answering.Handler):
        def do_GET(self):
            password = self.headers["Authorization"]
            seen.append(f"{self.path} {password}" if password else self.path)
            code = failures.pop(0) if failures else 200
            self.answer(code, STATES if code == 200 else b'{"error": "busy"}')

    with answering.AnsweringServer(Answers) as server:
        yield server.url, failures, seen


def test_a_busy_server_is_asked_again(flaky):
    url, failures, seen = flaky
    failures += [503, 429, 502]
    with serving.Client(url, "a model", retries=3) as client:
        assert client.states() == {3: "AVAILABLE"}
    assert seen == ["/v1/models/a%20model"] * 4


def test_proxy_and_password_are_those_of_the_environment(flaky, monkeypatch, tmp_path):
    url, _, seen = flaky
    passwords = tmp_path / "netrc"
    passwords.write_text("machine models.example login ann password secret\n")
    monkeypatch.setenv("NETRC", str(passwords))
    monkeypatch.setenv("http_proxy", url)
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    with serving.Client("http://models.example", "m") as client:
        client.states()
    basic = base64.b64encode(b"ann:secret").decode()
    assert seen == [f"http://models.example/v1/models/m Basic {basic}"]
    monkeypatch.delenv("http_proxy")
    with serving.Client(url.replace("//", "//bob:key@"), "m") as client:
        client.states()
    assert seen[1] == "/v1/models/m Basic " + base64.b64encode(b"bob:key").decode()


def test_a_server_of_https_is_trusted_by_the_authority_that_is_named(
    monkeypatch, tmp_path
):
    if shutil.which("openssl") is None:
        pytest.skip("no openssl to make a certificate with")
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-batch"]
    made += ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    subprocess.run(
        [*made, "-keyout", key, "-out", certificate], check=True, capture_output=True
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)

    class Answers(answering.Handler):
        def do_GET(self):
            self.answer(200, STATES)

    served = answering.AnsweringServer(Answers)
    served.server.socket = context.wrap_socket(served.server.socket, server_side=True)
    served.server.handle_error = lambda *_: None  # the client hangs up on a stranger
    with served:
        address = served.url.replace("http://127.0.0.1", "https://localhost")
        with (
            serving.Client(address, "m", retries=0) as client,
            pytest.raises(serving.ServerUnreachable, match="certificate"),
        ):
            client.states()
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
        with serving.Client(address, "m", retries=0) as client:
            assert client.states() == {3: "AVAILABLE"}


def test_a_server_that_stays_busy_has_failed(flaky):
    url, failures, seen = flaky
    failures += [503] * 9
    with (
        serving.Client(url, "m", retries=1) as client,
        pytest.raises(serving.ServerFailed, match="busy"),
    ):
        client.states()
    assert len(seen) == 2


@pytest.mark.parametrize("protocol", ["v1", "v2"])
def test_a_server_of_something_else_has_failed(protocol):
    class Healthy(answering.Handler):
        def do_GET(self):
            self.answer(200, b'{"status": "up"}')

    with (
        answering.AnsweringServer(Healthy) as server,
        serving.Client(server.url, "m", protocol=protocol) as client,
    ):
        for ask in (client.states, lambda: client.predict(IMAGE)):
            with pytest.raises(serving.ServerFailed, match='"status": "up"'):
                ask()


@pytest.mark.parametrize("inputs", [{"images": [-1, 32, 32, 3]}, {"a": [], "b": []}])
@pytest.mark.parametrize("outputs", [[[0.5, 0.5]], {"scores": [[1]], "boxes": [[2]]}])
def test_a_model_of_someone_else_is_said_to_be_none_of_ours(inputs, outputs):
    described = {
        name: {"tensor_shape": {"dim": [{"size": str(one)} for one in shape]}}
        for name, shape in inputs.items()
    }
    signatures = {"signature_def": {"serving_default": {"inputs": described}}}
    metadata = {"metadata": {"signature_def": signatures}}

    class Answers(answering.Handler):
        def do_GET(self):
            self.answer(200, json.dumps(metadata).encode())

        def do_POST(self):
            self.rfile.read(int(self.headers["Content-Length"]))
            self.answer(200, json.dumps({"outputs": outputs}).encode())

    with (
        answering.AnsweringServer(Answers) as server,
        serving.Client(server.url, "m") as client,
        pytest.raises(serving.NotServed, match="isn't an export of ltpa_tf"),
    ):
        client.predict(IMAGE)


def test_threads_that_share_a_client_keep_their_connections():
    threads, connections = 4, []
    together = threading.Barrier(threads)

    class Answers(answering.Handler):
        protocol_version = "HTTP/1.1"

        def setup(self):
            connections.append(1)
            super().setup()

        def do_GET(self):
            together.wait()
            self.answer(200, STATES)

    with (
        answering.AnsweringServer(Answers) as server,
        serving.Client(server.url, "m") as client,
        concurrent.futures.ThreadPoolExecutor(threads) as pool,
    ):
        for _ in range(3):
            asked = [pool.submit(client.states) for _ in range(threads)]
            assert [one.result() for one in asked] == threads * [{3: "AVAILABLE"}]
    assert len(connections) == threads


@pytest.fixture
def flaky_rpc():
    """Refuses with the codes in `failures`, one a request, then answers."""
    failures, seen = [], []

    class Models(model_service_pb2_grpc.ModelServiceServicer):
        def GetModelStatus(self, _request, context):
            seen.append(1)
            if failures:
                context.abort(failures.pop(0), "Server Threadpool Exhausted")
            response = get_model_status_pb2.GetModelStatusResponse()
            response.model_version_status.add(version=3, state="AVAILABLE")
            return response

    server = grpc.server(concurrent.futures.ThreadPoolExecutor(1))
    model_service_pb2_grpc.add_ModelServiceServicer_to_server(Models(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield f"grpc://127.0.0.1:{port}", failures, seen
    server.stop(None).wait()


def test_a_server_without_a_free_thread_is_asked_again(flaky_rpc):
    url, failures, seen = flaky_rpc
    failures += [grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.UNAVAILABLE]
    with serving.Client(url, "m", retries=2) as client:
        assert client.states() == {3: "AVAILABLE"}
    assert len(seen) == 3


def test_a_server_that_never_has_one_has_failed(flaky_rpc, flaky):
    url, failures, _ = flaky_rpc
    failures += [grpc.StatusCode.RESOURCE_EXHAUSTED] * 9
    with (
        serving.Client(url, "m", retries=1) as client,
        pytest.raises(serving.ServerFailed, match="Exhausted"),
    ):
        client.states()
    url, failures, _ = flaky
    failures += [429] * 9
    with (
        serving.Client(url, "m", retries=1) as client,
        pytest.raises(serving.ServerFailed, match="busy"),
    ):
        client.states()


def test_a_refused_request_is_not_repeated(flaky):
    url, failures, seen = flaky
    failures += [400]
    with (
        serving.Client(url, "m") as client,
        pytest.raises(serving.RequestRefused, match="busy"),
    ):
        client.states()
    assert len(seen) == 1
