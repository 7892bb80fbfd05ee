"""What a server must do: run on the development server, and on a real one if there."""

import base64
import concurrent.futures
import os
import shutil
import threading

import numpy as np
import pytest
import requests
import tensorflow as tf

from ltpa_tf import serving
from ltpa_tf.errors import SettingError
from ltpa_tf.serving import warmup
from ltpa_tf.serving.server import DevelopmentServer
from ltpa_tf.serving.server.http_server import listen


@pytest.fixture(params=["rest", "grpc"])
def client(server, request):
    with connect(server, request.param) as client:
        yield client


def connect(server, kind, **options):
    url = server.url if kind == "rest" else f"grpc://{server.grpc_address}"
    return serving.Client(url, server.name, **options)


@pytest.fixture(scope="module")
def expected(base, images):
    return serving.Predictor.from_saved_model(base).predict(images)


def assert_alike(predictions, expected):
    assert len(predictions) == len(expected)
    for one, other in zip(predictions, expected, strict=True):
        assert one.names == other.names
        assert one.classes == other.classes
        np.testing.assert_allclose(one.probabilities, other.probabilities, atol=1e-5)
        assert one.maps.keys() == other.maps.keys() == one.image_maps.keys()
        for level in one.maps:
            np.testing.assert_allclose(
                one.maps[level], other.maps[level], rtol=0, atol=1e-5
            )
            np.testing.assert_allclose(
                one.image_maps[level], other.image_maps[level], rtol=0, atol=1e-5
            )
        assert one.evidence.keys() == other.evidence.keys() == one.maps.keys()
        for level, given in one.evidence.items():
            np.testing.assert_allclose(given, other.evidence[level], rtol=0, atol=1e-4)
        np.testing.assert_allclose(one.evidence_bias, other.evidence_bias, rtol=1e-4)


def test_every_signature_over_every_transport(client, expected, images, encode):
    assert client.image_shape == (32, 32, 3)
    assert_alike(client.predict(images), expected)
    assert_alike(client.predict_bytes([encode(one) for one in images]), expected)
    plain = client.predict(images, maps=False)
    assert [one.maps for one in plain] == [{}] * 5
    assert plain[0].names == expected[0].names
    plain = client.predict_bytes([encode(images[0])], maps=False)
    assert plain[0].names == expected[0].names


def test_states(server, client):
    there = serving.list_versions(server.base)
    assert client.states().items() >= dict.fromkeys(there, "AVAILABLE").items()


def post(server, body, target="", verb="predict"):
    url = f"{server.url}/v1/models/{server.name}{target}:{verb}"
    if isinstance(body, dict):
        return requests.post(url, json=body)
    return requests.post(url, data=body)


def test_rows_and_columns_named_and_not(server, expected, images):
    pixels = images[:2].tolist()
    rows = [
        {"instances": pixels},
        {"instances": [{"images": one} for one in pixels]},
    ]
    columns = [{"inputs": pixels}, {"inputs": {"images": pixels}}]
    for body in rows:
        predictions = post(server, body).json()["predictions"]
        assert [one["top_names"][0] for one in predictions] == [
            one.name for one in expected[:2]
        ]
    for body in columns:
        outputs = post(server, body).json()["outputs"]
        np.testing.assert_allclose(
            outputs["probabilities"],
            [one.probabilities for one in expected[:2]],
            atol=1e-5,
        )


def test_image_files_as_base64(server, expected, images, encode):
    files = [{"b64": base64.b64encode(encode(one)).decode()} for one in images[:2]]
    for body in (
        {"instances": files},
        {"instances": [{"encoded": one} for one in files]},
        {"inputs": files},
        {"inputs": {"encoded": files}},
    ):
        answer = post(server, {"signature_name": "serving_bytes", **body}).json()
        found = answer.get("predictions") or answer["outputs"]["top_names"]
        names = [one["top_names"] if isinstance(one, dict) else one for one in found]
        assert names[0] == list(expected[0].names)


ZEROS = np.zeros((1, 32, 32, 3), int).tolist()


@pytest.mark.parametrize(
    ("target", "body", "status"),
    [
        ("", {"instances": ZEROS}, 200),
        ("/versions/{version}", {"instances": ZEROS}, 200),
        ("/labels/stable", {"instances": ZEROS}, 200),
        ("/labels/canary", {"inputs": ZEROS}, 200),
        ("/versions/999999", {"instances": ZEROS}, 404),
        ("/labels/nightly", {"instances": ZEROS}, 400),
        ("/versions/one", {"instances": ZEROS}, 400),
        ("", {"signature_name": "nope", "instances": ZEROS}, 400),
        ("", {"signature_name": 7, "instances": ZEROS}, 400),
        ("", {"instances": []}, 400),
        ("", {"instances": ZEROS, "inputs": ZEROS}, 400),
        ("", {}, 400),
        ("", {"instances": [{"pixels": ZEROS[0]}]}, 400),
        ("", {"inputs": {"pixels": ZEROS}}, 400),
        ("", {"instances": ZEROS[0]}, 400),
        ("", {"instances": [ZEROS]}, 400),
        ("", {"instances": [[[[1.5] * 3] * 32] * 32]}, 400),
        ("", {"instances": [[[["1"] * 3] * 32] * 32]}, 400),
        ("", {"instances": [[[[1, 2]] * 32] * 32]}, 400),
        ("", {"instances": [[[[1] * 3] * 32] * 31 + [[[1] * 3] * 31]]}, 400),
        ("", {"signature_name": "serving_bytes", "instances": ["text"]}, 400),
        ("", {"signature_name": "serving_bytes", "instances": [{"b64": "%"}]}, 400),
        ("", b"{", 400),
        ("", b"", 400),
        ("", b"[1, 2]", 400),
        ("", b"\xff\xfe", 400),
    ],
)
def test_status_codes_and_sentences(server, target, body, status):
    response = post(server, body, target.format(version=server.version))
    assert response.status_code == status, response.text
    assert response.headers["Content-Type"].startswith("application/json")
    assert ("error" in response.json()) == (status != 200)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/v1/models/{name}", 200),
        ("/v1/models/{name}/versions/{version}", 200),
        ("/v1/models/{name}/labels/stable", 200),
        ("/v1/models/{name}/metadata", 200),
        ("/v1/models/{name}/versions/{version}/metadata", 200),
        ("/v1/models/other", 404),
        ("/v1/models/other/metadata", 404),
        ("/v1/models/{name}/versions/999999", 404),
        ("/v1/models/{name}:predict", 400),
        ("/v1/models/a/b/c", 400),
        ("/v1/models/..%2f..%2fetc%2fpasswd", 404),
        ("/v1/nothing", 400),
    ],
)
def test_paths(server, path, status):
    path = path.format(name=server.name, version=server.version)
    response = requests.get(server.url + path)
    assert response.status_code == status
    assert ("error" in response.json()) == (status != 200)


def test_an_unknown_model_is_not_found(server):
    url = f"{server.url}/v1/models/other:predict"
    assert requests.post(url, json={"instances": ZEROS}).status_code == 404


def test_pages_of_other_sites_may_ask_when_allowed(server):
    origin = {"Origin": "http://explorer.example"}
    url = f"{server.url}/v1/models/{server.name}"
    response = requests.get(url, headers=origin)
    allowed = "Access-Control-Allow-Origin" in response.headers
    if server.kind == "at a URL" and not allowed:
        pytest.skip("the server at TF_SERVING_URL was started without CORS")
    assert response.headers["Access-Control-Allow-Origin"] == "*"


def test_metrics_count_requests(server):
    if server.kind == "development":
        pytest.skip("the development server has no metrics")

    def requests_counted():
        text = requests.get(f"{server.url}/monitoring/prometheus/metrics").text
        lines = [one for one in text.splitlines() if "request_count{" in one]
        return sum(float(line.rpartition(" ")[2]) for line in lines)

    before = requests_counted()
    assert post(server, {"instances": ZEROS}).ok
    assert requests_counted() > before


def test_many_at_once_each_get_their_own_answer(server, expected, images, encode):
    """Batches are put together from several requests, good and bad ones."""
    files = [encode(one) for one in images]
    # A real server that batches answers the neighbours of a bad request as it does it.
    with_bad = server.kind == "development"

    def ask(number):
        first, last = number % 5, number % 5 + 1 + number % 2
        with connect(server, ("rest", "grpc")[number % 2]) as client:
            if with_bad and number % 7 == 0:
                with pytest.raises(serving.RequestRefused, match="JPEG or PNG"):
                    client.predict_bytes([files[0], b"broken"])
                return
            assert_alike(client.predict_bytes(files[first:last]), expected[first:last])

    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        list(pool.map(ask, range(80)))


def trained_on(version, folder):
    """A version that differs in its weights alone."""
    shutil.copytree(version, folder)
    prefix = str(folder / "variables/variables")
    reader = tf.train.load_checkpoint(prefix)
    arrays = {
        name: reader.get_tensor(name) for name in reader.get_variable_to_shape_map()
    }
    for name, array in arrays.items():
        if np.ndim(array) > 1:  # kernels
            arrays[name] = array * np.float32(1.5)
    tf.raw_ops.SaveV2(
        prefix=prefix,
        tensor_names=list(arrays),
        shape_and_slices=[""] * len(arrays),
        tensors=list(arrays.values()),
    )
    return folder


def test_a_new_version_arrives_under_load(
    start_server, base, expected, images, tmp_path, wait_for
):
    """Canary beside stable, then promoted; the old one goes. No request fails."""
    other = trained_on(base / "1", tmp_path / "aside")
    first = expected[0].probabilities
    seen = serving.Predictor.from_saved_model(other).predict(images[:1])
    second = seen[0].probabilities
    assert np.abs(first - second).max() > 0.01
    done, failures, count = threading.Event(), [], [0] * 4

    def load(server, number, kind, **which):
        with connect(server, kind, retries=0, **which) as client:
            while not done.wait(0.1):  # so that something else gets to run too
                try:
                    client.predict(images[:1])
                    count[number] += 1
                except Exception as error:
                    failures.append(error)

    def answer(server, label):
        with connect(server, "rest", label=label) as client:
            return client.predict(images[:1], maps=False)[0].probabilities

    with start_server() as server:
        kinds = [("rest", {}), ("grpc", {})]
        kinds += [("rest", {"label": "stable"}), ("grpc", {"label": "canary"})]
        threads = [
            threading.Thread(target=load, args=(server, number, kind), kwargs=which)
            for number, (kind, which) in enumerate(kinds)
        ]
        for thread in threads:
            thread.start()
        try:
            new = server.add(other)
            server.label(canary=new)
            wait_for(lambda: server.of_label("canary") == new)
            assert server.available() >= {server.version, new}
            np.testing.assert_allclose(answer(server, "stable"), first, atol=1e-5)
            np.testing.assert_allclose(answer(server, "canary"), second, atol=1e-5)
            server.label(stable=new)
            wait_for(lambda: server.of_label("stable") == new)
            np.testing.assert_allclose(answer(server, "stable"), second, atol=1e-5)
            shutil.rmtree(server.base / str(server.version))
            wait_for(lambda: server.version not in server.available())
            with connect(server, "grpc") as client:  # its end is told
                assert client.states()[server.version] in ("UNLOADING", "END")
        finally:
            done.set()
            for thread in threads:
                thread.join()
    assert failures == []
    assert min(count) > 5


def test_a_version_whose_warmup_fails_is_not_served(
    start_server, light, tmp_path, wait_for
):
    bad = shutil.copytree(light / "1", tmp_path / "bad")
    (bad / warmup.FILE).parent.mkdir()
    (bad / warmup.FILE).write_bytes(b"not a record at all")
    with (
        start_server(of=light) as server,
        connect(server, "rest", label="canary") as client,
    ):
        number = server.add(bad)
        server.label(canary=number)
        wait_for(lambda: client.states().get(number) == "END")
        assert server.of_label("canary") == server.version
        assert client.predict(np.zeros((1, 32, 32, 3), np.uint8))


def cut_off(base, folder):
    """A version whose copy has broken off in the variables."""
    shutil.copytree(base / "1", folder)
    os.truncate(folder / "variables/variables.data-00000-of-00001", 10)
    return folder


def test_a_good_version_after_a_damaged_one_is_served(
    start_server, light, tmp_path, wait_for
):
    with start_server(of=light) as server, connect(server, "rest") as client:
        damaged = server.add(cut_off(light, tmp_path / "damaged"))
        wait_for(lambda: client.states().get(damaged) == "END")
        good = server.add(light / "1")
        wait_for(lambda: client.states().get(good) == "AVAILABLE")


@pytest.mark.parametrize("number", [0, 2])  # before the good one, and after
def test_a_damaged_version_keeps_a_server_from_starting(
    start_server, light, request, number
):
    if os.environ.get("TF_SERVING_URL") and "development" not in request.node.name:
        pytest.skip("the server at TF_SERVING_URL has started")
    if number == 0 and "development" not in request.node.name:
        pytest.skip("which of the two is done first, a real server leaves to chance")
    damaged = cut_off(light, light / str(number))
    try:
        with pytest.raises(SettingError), start_server(of=light):
            pass
    finally:
        shutil.rmtree(damaged)


def test_no_thread_is_left_behind(light):
    """One still at work while Python ends takes the process down with it."""
    before = set(threading.enumerate())
    with DevelopmentServer(light, rest_port=0, grpc_port=0, poll_seconds=0):
        started = {thread.name for thread in set(threading.enumerate()) - before}
        assert "versions" in started
    left = [thread.name for thread in set(threading.enumerate()) - before]
    assert "versions" not in left


@pytest.mark.parametrize("host", ["no.such.host.invalid", "192.0.2.1", "fe80::1"])
def test_a_host_that_is_not_this_machine_is_named(host):
    with pytest.raises(SettingError, match=f"--host: .*Received: '{host}'"):
        listen("--rest_api_port", host, 0)
