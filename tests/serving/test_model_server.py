"""Starting tensorflow_model_server, with a stand-in that takes the same flags.

Whether the real one does what we think is asked by test_server.py, where there is one.
"""

import sys

import numpy as np
import pytest
from ports import free_port

from ltpa_tf import serving
from ltpa_tf.errors import SettingError
from ltpa_tf.serving import model_server

# For the shell first, as a #! line can't name a Python whose path has a space.
STAND_IN = """#!/bin/sh
'''exec' "{python}" "$0" "$@"
' '''
import argparse, pathlib, sys
sys.path.insert(0, {root!r})
parser = argparse.ArgumentParser(allow_abbrev=False)
for name in ("port", "rest_api_port", "model_config_file_poll_wait_seconds",
             "file_system_poll_wait_seconds", "max_num_load_retries"):
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


def test_it_starts_answers_and_ends(binary, base):
    rest, grpc = free_port(), free_port()
    with model_server.ModelServer(
        base, [str(binary)], rest_port=rest, grpc_port=grpc
    ) as server:
        with serving.Client(f"grpc://{server.grpc_address}", server.name) as client:
            assert client.predict(np.zeros((1, 32, 32, 3), np.uint8))
        process = server._process
    assert process.poll() is not None


def test_one_that_ends_at_once_is_said(base):
    with pytest.raises(SettingError, match="ended with code"):
        model_server.ModelServer(base, ["false"]).__enter__()


def test_docker_sees_the_folder_under_its_own_path(base):
    server = model_server.ModelServer(base, ["docker", "run", "--rm"], rest_port=1234)
    command = " ".join(server._command)
    folder = base.resolve()
    assert f"--mount=type=bind,source={folder},target={folder},readonly" in command
    assert "--publish=127.0.0.1:1234:1234" in command
    assert command.index("tensorflow/serving:") < command.index("--model_config_file=")
