"""The end of an HTTP server, when a signal asks for it."""

import os
import signal

import pytest
import requests
from starlette.applications import Starlette

from ltpa_tf.serving.server.http_server import HttpServer, listen


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_well_from_the_moment_that_it_is_ready(number):
    before = signal.getsignal(number)
    with listen("--port", "127.0.0.1", 0) as socket:
        url = f"http://127.0.0.1:{socket.getsockname()[1]}"
        HttpServer(Starlette()).run([socket], lambda: os.kill(os.getpid(), number))
    assert signal.getsignal(number) is before
    with pytest.raises(requests.ConnectionError):
        requests.get(url)
