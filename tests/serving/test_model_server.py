"""Starting tensorflow_model_server, with a stand-in that takes the same flags.

Whether the real one does what we think is asked by test_server.py, where there is one.
"""

import re
import shutil
import socket
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml
from ports import free_port

from ltpa_tf import serving
from ltpa_tf.errors import SettingError
from ltpa_tf.serving import model_server, server_files

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy/serving"
FLAGS = Path(__file__).with_name("model_server_flags.txt")

# For the shell first, as a #! line can't name a Python whose path has a space.
STAND_IN = """#!/bin/sh
'''exec' "{python}" "$0" "$@"
' '''
import argparse, pathlib, sys
sys.path.insert(0, {root!r})
parser = argparse.ArgumentParser(allow_abbrev=False)
for name in ("port", "rest_api_port", "model_config_file_poll_wait_seconds",
             "file_system_poll_wait_seconds", "max_num_load_retries",
             "grpc_max_threads", "rest_api_num_threads"):
    parser.add_argument("--" + name, type=int, required=True)
for name in ("model_config_file", "monitoring_config_file", "batching_parameters_file"):
    parser.add_argument("--" + name, type=pathlib.Path, required=True)
for name in ("allow_version_labels_for_unavailable_models", "enable_batching",
             "rest_api_enable_cors_support"):
    parser.add_argument("--" + name, choices=["true"])
flags = parser.parse_args()
from ltpa_tf.serving.server import DevelopmentServer
DevelopmentServer(flags.model_config_file.parent, rest_port=flags.rest_api_port,
                  grpc_port=flags.port,
                  cors=flags.rest_api_enable_cors_support == "true").run()
"""


@pytest.fixture
def binary(tmp_path, request):
    file = tmp_path / "tensorflow_model_server"
    root = str(request.config.rootpath)
    file.write_text(STAND_IN.format(python=sys.executable, root=root))
    file.chmod(0o755)
    return file


def test_found_where_the_variable_says(binary, monkeypatch):
    monkeypatch.setenv("TF_SERVING_BIN", str(binary))
    assert model_server.find() == [str(binary)]
    monkeypatch.setenv("TF_SERVING_BIN", str(binary) + "x")
    with pytest.raises(SettingError, match="TF_SERVING_BIN"):
        model_server.find()


def test_found_on_the_path(binary, monkeypatch):
    monkeypatch.delenv("TF_SERVING_BIN", raising=False)
    monkeypatch.setenv("PATH", str(binary.parent))
    assert model_server.find() == [str(binary)]
    monkeypatch.setenv("PATH", "")
    assert model_server.find() is None


@pytest.mark.slow
def test_it_starts_answers_and_ends(binary, base):
    rest, grpc = free_port(), free_port()
    with model_server.ModelServer(
        base, [str(binary)], host="0.0.0.0", rest_port=rest, grpc_port=grpc, cors=True
    ) as server:
        with serving.Client(f"grpc://{server.grpc_address}", server.name) as client:
            assert client.predict(np.zeros((1, 32, 32, 3), np.uint8))
        process = server._process
    assert process.poll() is not None


def starting(base, command, **options):
    """A server that hasn't been started yet, on ports that are free."""
    ports = {"rest_port": free_port(), "grpc_port": free_port()}
    return model_server.ModelServer(base, command, host="0.0.0.0", **ports | options)


def test_one_that_ends_at_once_is_said(base):
    with pytest.raises(SettingError, match="ended with code"):
        starting(base, ["false"]).__enter__()


@pytest.mark.parametrize("flag", ["--rest_api_port", "--port"])
def test_a_port_that_another_server_has_is_said(base, flag):
    """Its answers would be taken for those of the one that is started."""
    with socket.create_server(("0.0.0.0", 0)) as other:
        taken = other.getsockname()[1]
        names = {"--rest_api_port": "rest_port", "--port": "grpc_port"}
        server = starting(base, ["false"], **{names[flag]: taken})
        with pytest.raises(SettingError, match=f"{flag}: .*free.*Received: {taken}"):
            server.__enter__()


def test_the_model_is_called_as_its_file_says(base, tmp_path):
    copied = tmp_path / "moved"
    copied.mkdir()
    shutil.copy(base / server_files.MODELS, copied)
    assert starting(copied, ["false"]).name == base.name


def test_what_it_says_is_in_its_log(base, tmp_path, capfd):
    log = tmp_path / "server.log"
    command = ["sh", "-c", "seq 9; echo no >&2; exit 3"]
    with pytest.raises(SettingError, match="ended with code 3") as caught:
        starting(base, command, log=log).__enter__()
    said = f"the end of {log}:\n6\n7\n8\n9\nno\nReceived: 'ended with code 3'"
    assert str(caught.value).endswith(said)
    assert capfd.readouterr() == ("", "")


def test_it_is_not_started_where_it_would_listen_on_more(base):
    with pytest.raises(SettingError, match="listens on every interface"):
        model_server.ModelServer(base, ["tensorflow_model_server"])


def test_threads_fit_the_batching(base):
    """A full batch and one that is gathered meanwhile, and others beside them."""
    largest = server_files.read_batching(base).max_batch_size.value
    assert min(model_server.GRPC_THREADS, model_server.REST_THREADS) >= 2 * largest


def test_every_flag_that_is_passed_or_documented_exists():
    known = set(FLAGS.read_text(encoding="utf-8").splitlines()[2:])
    assert len(known) == 48
    passed = model_server.arguments(Path("/m"), 1, 2, batching=True, cors=True)
    passed += yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"][
        "serving"
    ]["command"]
    deployment = next(
        yaml.safe_load_all((DEPLOY / "kubernetes/deployment.yaml").read_text())
    )
    passed += deployment["spec"]["template"]["spec"]["containers"][0]["args"]
    assert {name for name in map(flag_of, passed) if name not in known} == set()
    # What the docs name is a flag of the server, or of a program here or elsewhere.
    programs = "".join(
        file.read_text(encoding="utf-8")
        for folder in ("programs", "benchmark")
        for file in (ROOT / "ltpa_tf" / folder).glob("*.py")
    )
    ours = set(re.findall(r'DEFINE_\w+\(\s*"(\w+)"|"--(\w+)"', programs))
    ours = {name.removeprefix("no") for pair in ours for name in pair}
    text = (ROOT / "docs/serving.md").read_text(encoding="utf-8")
    named = set(re.findall(r"--(?:no(?=batching|check))?(\w+)", text))
    assert named - known - ours == {"init"}  # Docker's


def flag_of(argument):
    return argument.partition("=")[0].removeprefix("--")


def test_docker_sees_the_folder_under_its_own_path(base):
    server = model_server.ModelServer(base, ["docker", "run", "--rm"], rest_port=1234)
    command = " ".join(server._command)
    folder = base.resolve()
    assert f"--mount=type=bind,source={folder},target={folder},readonly" in command
    assert "--publish=127.0.0.1:1234:1234" in command
    everywhere = model_server.ModelServer(base, ["docker"], host="::", rest_port=1234)
    assert "--publish=[::]:1234:1234" in everywhere._command
    assert command.index("tensorflow/serving:") < command.index("--model_config_file=")


@pytest.mark.parametrize(
    ("host", "reached"),
    [
        ("127.0.0.1", "127.0.0.1"),
        ("0.0.0.0", "127.0.0.1"),
        ("192.0.2.7", "192.0.2.7"),
        ("::", "[::1]"),
    ],
)
def test_its_addresses_are_those_that_it_is_reached_by(base, host, reached):
    server = model_server.ModelServer(base, ["docker"], host=host, grpc_port=2)
    assert server.url == f"http://{reached}:8501"
    assert server.grpc_address == f"{reached}:2"
