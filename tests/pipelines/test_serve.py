"""serve.py, promote.py and check_export.py, and predict.py against a server."""

import concurrent.futures
import contextlib
import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import forked
import pytest
import requests
from PIL import Image
from ports import free_port

from ltpa_tf import serving

ROOT = Path(__file__).parents[2]


def begin(log, *flags, **variables):
    """Starts serve.py; what it says goes to the file."""
    return forked.start("pipelines.serve", *flags, files=(log, log), **variables)


def begin_anew(log, *flags):
    """The same in a new Python, as a user starts it."""
    with log.open("w") as stream:
        return subprocess.Popen(
            [sys.executable, "-m", "pipelines.serve", *flags],
            stdout=stream,
            stderr=subprocess.STDOUT,
            cwd=ROOT,
        )


@contextlib.contextmanager
def serve(folder, exported, *flags, begin=begin, end=signal.SIGINT, **variables):
    """What serve.py says once it serves, and its process; `end` must end it well."""
    ports = {name: free_port() for name in ("rest_api_port", "port", "explorer_port")}
    flags = [*flags, *(f"--{name}={port}" for name, port in ports.items())]
    log = folder / "said.txt"
    process = begin(log, f"--model_dir={exported}", *flags, **variables)
    try:
        while "Ctrl-C" not in log.read_text():
            assert process.poll() is None, log.read_text()
            time.sleep(0.02)
        yield log.read_text(), process.pid
    finally:
        if process.poll() is None:
            process.send_signal(end)
        code = process.wait(timeout=60)
    assert code == 0, log.read_text()
    assert "Traceback" not in log.read_text()


@pytest.fixture(scope="module")
def served(exported, tmp_path_factory):
    folder = tmp_path_factory.mktemp("log")
    # By a signal that no shell lets its background jobs ignore.
    how = {"begin": begin_anew, "end": signal.SIGTERM}
    with serve(folder, exported, "--server=development", **how) as (said, _):
        yield said


def test_the_curl_line_works(served):
    (line,) = re.findall(r"^ *(curl .*)$", served, re.MULTILINE)
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True)
    (prediction,) = json.loads(done.stdout)["predictions"]
    assert set(prediction["top_names"]) == {"cat", "dog", "owl"}


def test_the_page_is_there(served):
    (url,) = re.findall(r"explorer +(http://\S+)", served)
    assert "Attention explorer" in requests.get(url).text
    assert requests.get(url + "explorer.json").json()["model"] == "owls and more"


@pytest.mark.parametrize(
    ("transport", "flag"), [("gRPC", "--label=stable"), ("REST", "--protocol=v2")]
)
def test_predict_asks_the_server(start, served, tmp_path, transport, flag):
    (address,) = re.findall(rf"{transport} +(\S+)", served)
    address = address.partition("/v1/")[0] if "/v1/" in address else f"grpc://{address}"
    samples = ROOT / "ltpa_tf/serving/explorer/samples"
    flags = [f"--images={samples}", "--model=owls and more", flag]
    done = start("predict", f"--server={address}", *flags, f"--output={tmp_path}")
    assert done.returncode == 0, done.stderr
    answers = json.loads((tmp_path / "predictions.json").read_text())
    assert len(answers) == 8
    assert answers[0]["maps"].keys() == answers[0]["evidence"].keys() == {"2", "4"}


def seconds_at_work(process):
    """What a process has had of the CPU."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK")


def test_sigterm_lets_requests_finish(exported, tmp_path):
    stream = io.BytesIO()
    Image.new("RGB", (2_500, 2_500)).save(stream, "PNG")  # takes long to decode
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        with serve(tmp_path, exported, "--server=development", end=signal.SIGTERM) as (
            said,
            process,
        ):
            (address,) = re.findall(r"gRPC +(\S+)", said)
            client = serving.Client(f"grpc://{address}", "owls and more", retries=0)
            client.states()  # so that it is connected
            before = seconds_at_work(process)
            answer = pool.submit(client.predict_bytes, [stream.getvalue()] * 4)
            # Not by the clock: on a busy machine the request might not be there yet.
            while seconds_at_work(process) < before + 0.02:  # of some 0.1
                assert not answer.done(), "it was too quick to be ended in its middle"
                time.sleep(0.005)
        assert len(answer.result()) == 4
        client.close()


# Answers as a server would that has loaded the model.
STAND_IN = """#!/bin/sh
exec "{python}" -c '
import http.server, sys
(port,) = [one.split("=")[1] for one in sys.argv if one.startswith("--rest_api_port=")]
class Available(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"AVAILABLE")
http.server.HTTPServer(("127.0.0.1", int(port)), Available).serve_forever()
' "$@"
"""


def test_sigterm_ends_a_real_server_too(exported, tmp_path):
    binary = tmp_path / "tensorflow_model_server"
    binary.write_text(STAND_IN.format(python=sys.executable))
    binary.chmod(0o755)
    ending = {"end": signal.SIGTERM, "TF_SERVING_BIN": str(binary)}
    flags = ["--server=tensorflow", "--host=0.0.0.0"]
    with serve(tmp_path, exported, *flags, **ending) as (said, _):
        (url,) = re.findall(r"REST +(http://[^/]+)", said)
        assert requests.get(url).text == "AVAILABLE"
        (log,) = re.findall(r"What it says is in (.*)", said)
        assert "GET / HTTP" in Path(log).read_text()
        assert "GET / HTTP" not in said
    with pytest.raises(requests.ConnectionError):
        requests.get(url)
    Path(log).unlink()


def test_a_real_server_is_reached_from_elsewhere_only_when_asked(
    start, light, tmp_path, monkeypatch
):
    binary = tmp_path / "tensorflow_model_server"
    binary.write_text("#!/bin/sh\nexit 1")
    binary.chmod(0o755)
    monkeypatch.setenv("TF_SERVING_BIN", str(binary))
    done = start("serve", f"--model_dir={light}", "--server=tensorflow")
    assert done.returncode == 2
    assert re.search("--host: expected 0.0.0.0.*Received: '127.0.0.1'", done.stderr)
    with serve(tmp_path, light) as (said, _):  # whichever
        assert f"Development server: {binary} would listen on every" in said


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (
            ["--server=http://127.0.0.1:9", "--model=m"],
            r"^error: (?!.*Max retries).*server that answers \(.*refused\)",
        ),
        (["--server=http://127.0.0.1:9"], "--model"),
        (["--server=http://127.0.0.1:9", "--saved_model=x"], "exactly one"),
    ],
)
def test_predict_says_what_is_wrong(start, flags, said):
    done = start("predict", "--images=README.md", *flags)
    assert done.returncode == 2
    assert re.search(said, done.stderr)
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("flag", ["--label=stabel", "--version=7"])
def test_predict_says_what_the_server_has_not(start, served, flag):
    (address,) = re.findall(r"REST +(\S+)/v1/", served)
    flags = [f"--server={address}", "--model=owls and more", flag]
    done = start("predict", "--images=docs/photos", *flags)
    assert done.returncode == 2
    name, _, value = flag.partition("=")
    assert re.match(f"error: --model, {name}: expected what ", done.stderr)
    assert done.stderr.endswith(f"Received: 'owls and more, {value}'\n")


def test_labels_are_promoted(start_anew, light):
    done = start_anew("promote", f"--export_dir={light}", "--version=1", "--label=best")
    assert done.stdout.splitlines() == [
        "best: version 1",
        "canary: version 1",
        "stable: version 1",
    ]


def test_what_would_not_load_is_not_promoted(start, light):
    folder = light
    shutil.copytree(folder / "1", folder / "2")
    os.truncate(folder / "2/variables/variables.data-00000-of-00001", 10)
    before = (folder / "models.config").read_text()
    done = start("promote", f"--export_dir={folder}", "--version=2")
    assert done.returncode == 2
    assert "2: doesn't load" in done.stderr
    assert (folder / "models.config").read_text() == before
    flags = [f"--export_dir={folder}", "--version=2", "--nocheck"]
    assert "stable: version 2" in start("promote", *flags).stdout


def test_a_version_is_copied_to_where_servers_read(start, light, tmp_path):
    target = tmp_path / "volume/quickstart"
    flags = [f"--export_dir={light}", "--version=1", f"--copy_to={target}"]
    where = "/models/quickstart"
    done = start("promote", *flags, f"--base_path={where}")
    assert done.stdout.splitlines() == ["canary: version 1", "stable: version 1"]
    assert serving.check_export(target, base_path=where) == []
    assert not [one for one in target.iterdir() if one.name.startswith(".")]
    done = start("promote", *flags)
    assert done.returncode == 2  # nothing there is overwritten
    said = "--version: expected one that isn't in .*Received: 1"
    assert re.search(said, done.stderr)


def test_what_a_server_would_refuse_is_said(start_anew, light):
    (light / "v2").mkdir()
    done = start_anew("check_export", light)
    assert done.returncode == 1
    assert done.stdout.splitlines() == [
        f"{light}/v2: ignored by a server: a version is named by an integer"
    ]


def test_nothing_to_serve(start, tmp_path):
    done = start("serve", f"--model_dir={tmp_path}")
    assert done.returncode == 1
    assert "no version in it" in done.stdout


@pytest.mark.parametrize(
    ("flag", "said"),
    [
        ("--port=99999", "flag --port=99999"),
        ("--rest_api_port=65536", "flag --rest_api_port=65536"),
        ("--explorer_port=-1", "flag --explorer_port=-1"),
        ("--host=192.0.2.1", "--host: .*Received: '192.0.2.1'"),
    ],
)
def test_ports_and_hosts_that_cannot_be(start, light, flag, said):
    done = start("serve", f"--model_dir={light}", "--server=development", flag)
    assert done.returncode == 2
    assert re.search(said, done.stderr)
    assert "Traceback" not in done.stderr
