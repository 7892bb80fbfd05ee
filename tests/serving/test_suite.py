"""What these tests do to a server that they are pointed at."""

import os
import shutil
import signal

import pytest

from ltpa_tf import serving
from ltpa_tf.serving.server import DevelopmentServer


@pytest.mark.slow
def test_nothing_of_them_is_left_whatever_fails(base, tmp_path, monkeypatch, at_url):
    folder = shutil.copytree(base, tmp_path / "theirs")
    serving.label(folder, {"stable": 1, "canary": 1}, str(folder))
    (folder / "batching.config").unlink()  # their server doesn't batch
    before = content(folder)
    with DevelopmentServer(
        folder, rest_port=0, grpc_port=0, poll_seconds=0.1
    ) as server:
        monkeypatch.setenv("TF_SERVING_URL", server.url)
        monkeypatch.setenv("TF_SERVING_GRPC", server.grpc_address)
        monkeypatch.setenv("TF_SERVING_BASE", str(folder))
        with pytest.raises(KeyboardInterrupt), at_url(base / "1") as running:
            assert running.of_label("stable") == 2
            assert running.of_label("none") is None  # status by label says 200
            os.kill(os.getpid(), signal.SIGTERM)  # as CI ends a job
        assert running.available() == {1}
        assert running.of_label("stable") == 1
    assert content(folder) == before


def content(folder):
    return {one.name: one.is_file() and one.read_text() for one in folder.iterdir()}
