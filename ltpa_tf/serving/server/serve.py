"""The development server as one object: REST and gRPC on ports of this machine."""

import gc
import os
import threading
from collections.abc import Sequence
from pathlib import Path

import uvicorn

from ltpa_tf.errors import SettingError
from ltpa_tf.serving import server_files
from ltpa_tf.serving.server import rest, rpc
from ltpa_tf.serving.server.engine import Engine
from ltpa_tf.serving.server.pages import listen, pages
from ltpa_tf.serving.server.repository import Repository


class DevelopmentServer:
    """Serves a folder of versions; a context manager.

    Args:
        base: What `export` wrote into.
        host: Address to listen on. The default can be reached from this machine only;
            there is no password and no encryption.
        rest_port: 0 takes a free one.
        grpc_port: 0 takes a free one.
        batching: Whether requests that wait are run together.
        max_body: The most bytes of one request.
        origins: Other sites whose pages may ask (CORS); `"*"` for all.
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
        batching: bool = True,
        max_body: int = 2**25,
        origins: Sequence[str] = (),
        poll_seconds: float = 1.0,
    ):
        limits = server_files.read_batching(base)
        max_batch = limits.max_batch_size.value if limits else 32
        self._repository = Repository(base, poll_seconds)
        self._engine = Engine(max_batch, batching)
        self.name = self._repository.name
        self._socket = listen("--rest_api_port", host, rest_port)
        shown = f"[{host}]" if ":" in host else host
        try:
            self._rpc, port = rpc.start(
                self._repository,
                self._engine,
                f"{shown}:{grpc_port}",
                max_batch,
                max_body,
            )
        except RuntimeError as error:
            self._socket.close()
            raise SettingError(
                "--port", grpc_port, f"a port that is free ({error})"
            ) from None
        self.url = f"http://{shown}:{self._socket.getsockname()[1]}"
        self.grpc_address = f"{shown}:{port}"
        handlers = rest.RestHandlers(
            self._repository, self._engine, max_batch, max_body
        )
        application = handlers.application(origins, pages(Path(base), self.name))
        self._server = uvicorn.Server(
            uvicorn.Config(application, log_level="warning", timeout_keep_alive=60)
        )

    def run(self) -> None:
        """Serves until Ctrl-C, or SIGTERM if that raises `KeyboardInterrupt` too."""
        self._open()
        try:
            self._server.run([self._socket])
        except KeyboardInterrupt:
            pass  # uvicorn has finished what was under way and passes the signal on
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
        self._engine.stop()
        self._socket.close()


def without_pauses() -> None:
    """Takes what exists by now out of the garbage collector's sight.

    Pixels as JSON are thousands of lists, which make it look through everything again
    and again: with TensorFlow's million objects for half a second each time.
    """
    gc.collect()
    gc.freeze()
