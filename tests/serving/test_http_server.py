"""The end of an HTTP server, when a signal asks for it."""

import os
import signal

import forked
import pytest
from starlette.applications import Starlette

from ltpa_tf.serving.server.http_server import HttpServer, listen


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_well_from_the_moment_that_it_is_ready(number, tmp_path):
    files = said, complained = tmp_path / "stdout", tmp_path / "stderr"
    assert forked.call(serve, number, files=files).wait(timeout=60) == 0
    assert said.read_text() == "ready\nended\n"
    assert "Traceback" not in complained.read_text()


def serve(number):
    """In a process of its own: another test's event loop may run in this one."""

    def ready():
        print("ready", flush=True)
        os.kill(os.getpid(), number)

    before = signal.getsignal(number)
    with listen("--port", "127.0.0.1", 0) as socket:
        HttpServer(Starlette()).run([socket], ready)
    assert signal.getsignal(number) is before
    print("ended", flush=True)
