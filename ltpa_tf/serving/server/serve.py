"""The development server as one object: REST and gRPC on ports of this machine."""

import gc
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from starlette.middleware.cors import CORSMiddleware

from ltpa_tf.errors import SettingError
from ltpa_tf.serving.server import rpc
from ltpa_tf.serving.server.application import Application
from ltpa_tf.serving.server.http_server import HttpServer, listen
from ltpa_tf.serving.server.pages import pages
from ltpa_tf.serving.server.repository import Repository

THREADS = max(32, 4 * (os.cpu_count() or 1))
"""That read and answer requests, and meanwhile wait for their batch: as many as a batch
has room for, and as a real server has for each of its transports."""


class DevelopmentServer:
    """Serves a folder of versions; a context manager.

    Args:
        base: What `export` wrote into.
        host: Address to listen on. The default can be reached from this machine only;
            there is no password and no encryption.
        rest_port: 0 takes a free one.
        grpc_port: 0 takes a free one.
        max_body: The most bytes of one request.
        cors: Whether pages of other sites may ask.
        poll_seconds: How often the folder is looked at for new versions.

    Attributes:
        name: Name of the model.
        url: Where REST and the explorer are.
        grpc_address: Where gRPC is.

    Raises:
        SettingError: If nothing can be served or a port is taken.
    """

    def __init__(
        self,
        base: str | os.PathLike,
        *,
        host: str = "127.0.0.1",
        rest_port: int = 8501,
        grpc_port: int = 8500,
        max_body: int = 2**25,
        cors: bool = False,
        poll_seconds: float = 1.0,
    ):
        self._repository = Repository(base, poll_seconds)
        self.name = self._repository.name
        self._socket = listen("--rest_api_port", host, rest_port)
        shown = f"[{host}]" if ":" in host else host
        self._pool = ThreadPoolExecutor(THREADS)
        try:
            self._rpc, port = rpc.start(
                self._repository, self._pool, f"{shown}:{grpc_port}", max_body
            )
        except RuntimeError as error:
            self._socket.close()
            raise SettingError(
                "--port", grpc_port, f"a port that is free ({error})"
            ) from None
        self.url = f"http://{shown}:{self._socket.getsockname()[1]}"
        self.grpc_address = f"{shown}:{port}"
        explorer = pages(Path(base), self.name)
        application = Application(self._repository, self._pool, max_body, explorer)
        if cors:
            application = CORSMiddleware(
                application,
                allow_origins=["*"],
                allow_methods=["GET", "POST"],
                allow_headers=["Content-Type"],
            )
        self._server = HttpServer(application)

    def run(self, ready: Callable[[], None] = lambda: None) -> None:
        """Serves until Ctrl-C or SIGTERM.

        Args:
            ready: Is called once it answers; a signal from then on ends it well.
        """
        try:
            self._open()
            self._server.run([self._socket], ready)
        finally:
            self._close()

    def __enter__(self) -> "DevelopmentServer":
        """Serves in the background until the context ends."""
        self._open()
        self._thread = threading.Thread(target=self._server.run, args=([self._socket],))
        self._thread.start()
        return self

    def __exit__(self, *_error) -> None:
        """Finishes what is under way and stops."""
        self._server.should_exit = True
        self._thread.join()
        self._close()

    def _open(self) -> None:
        self._repository.start()
        without_pauses()

    def _close(self) -> None:
        gc.unfreeze()
        self._rpc.stop(grace=5).wait()
        self._repository.stop()
        self._pool.shutdown()
        self._socket.close()


def without_pauses() -> None:
    """Takes what exists by now out of the garbage collector's sight.

    Pixels as JSON are thousands of lists, which make it look through everything again
    and again: with TensorFlow's million objects for half a second each time.
    """
    gc.collect()
    gc.freeze()
