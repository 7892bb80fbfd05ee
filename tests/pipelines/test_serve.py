"""serve.py, promote.py and check_export.py, and predict.py against a server."""

import json
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import requests
from ports import free_port

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def served(exported):
    """What serve.py says once it serves; it must end well on Ctrl-C."""
    ports = [free_port(), free_port()]
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "pipelines.serve", f"--model_dir={exported}"),
            *("--server=development", f"--rest_api_port={ports[0]}"),
            f"--port={ports[1]}",
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=ROOT,
    )
    said = []
    try:
        for line in process.stdout:
            said.append(line)
            if "Ctrl-C" in line:
                break
        yield "".join(said)
    finally:
        process.send_signal(signal.SIGINT)
        rest = process.communicate(timeout=60)[0]
    assert process.returncode == 0, rest
    assert "Traceback" not in rest


def test_the_curl_line_works(served):
    (line,) = re.findall(r"^ *(curl .*)$", served, re.MULTILINE)
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True)
    (prediction,) = json.loads(done.stdout)["predictions"]
    assert set(prediction["top_names"]) == {"cat", "dog", "owl"}


def test_the_page_is_there(served):
    (url,) = re.findall(r"explorer +(http://\S+)", served)
    assert "Attention explorer" in requests.get(url).text
    assert requests.get(url + "explorer.json").json()["model"] == "owls and more"


def test_predict_asks_the_server(start, served, tmp_path):
    (address,) = re.findall(r"gRPC +(\S+)", served)
    samples = ROOT / "ltpa_tf/serving/explorer/samples"
    flags = [f"--images={samples}", "--label=stable", "--model=owls and more"]
    done = start(
        "predict", f"--server=grpc://{address}", *flags, f"--output={tmp_path}"
    )
    assert done.returncode == 0, done.stderr
    answers = json.loads((tmp_path / "predictions.json").read_text())
    assert len(answers) == 8
    assert answers[0]["maps"].keys() == {"7", "10"}


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--server=http://127.0.0.1:9", "--model=m"], "server that answers"),
        (["--server=http://127.0.0.1:9"], "--model"),
        (["--server=http://127.0.0.1:9", "--saved_model=x"], "exactly one"),
    ],
)
def test_predict_says_what_is_wrong(start, flags, said):
    done = start("predict", "--images=README.md", *flags)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_labels_are_promoted(start, exported):
    done = start("promote", f"--export_dir={exported}", "--version=1", "--label=best")
    assert done.stdout.splitlines() == [
        "best: version 1",
        "canary: version 1",
        "stable: version 1",
    ]


def test_what_a_server_would_refuse_is_said(start, exported):
    (exported / "v2").mkdir()
    done = start("check_export", exported)
    (exported / "v2").rmdir()
    assert done.returncode == 1
    assert done.stdout.splitlines() == [
        f"{exported}/v2: ignored by a server: a version is named by an integer"
    ]


def test_nothing_to_serve(start, tmp_path):
    done = start("serve", f"--model_dir={tmp_path}")
    assert done.returncode == 1
    assert "no version in it" in done.stdout
