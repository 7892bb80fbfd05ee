"""The explorer beside a `tensorflow_model_server`, which serves no pages."""

import os
from collections.abc import Callable
from pathlib import Path

from ltpa_tf.serving.server.http_server import HttpServer, listen
from ltpa_tf.serving.server.pages import pages


class PageServer:
    """Serves the explorer alone.

    Args:
        base: Folder of the versions.
        model: Name of the model.
        server: Address of the server to ask.
        port: 0 takes a free one.

    Attributes:
        url: Where the explorer is.
    """

    def __init__(self, base: str | os.PathLike, model: str, server: str, port: int):
        self._socket = listen("--explorer_port", "127.0.0.1", port)
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._server = HttpServer(pages(Path(base), model, server))

    def run(self, ready: Callable[[], None]) -> None:
        """Serves until Ctrl-C or SIGTERM.

        Args:
            ready: Is called once it answers.
        """
        with self._socket:
            self._server.run([self._socket], ready)
