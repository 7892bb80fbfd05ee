"""An HTTP server of an ASGI application that a signal ends well."""

import contextlib
import errno
import signal
import socket
import threading
from collections.abc import Callable, Iterator

import uvicorn

from ltpa_tf.errors import SettingError

_NOT_THIS_PORT = (errno.EADDRINUSE, errno.EACCES)


class HttpServer(uvicorn.Server):
    """uvicorn, with an end to rely on.

    Its parser is h11, whatever else is installed: parsers differ in what they accept.
    """

    def __init__(self, application: Callable):
        super().__init__(
            uvicorn.Config(
                application,
                http="h11",
                lifespan="off",
                log_level="warning",
                timeout_keep_alive=60,
            )
        )

    def run(
        self, sockets: list[socket.socket], ready: Callable[[], None] = lambda: None
    ) -> None:
        """Serves until Ctrl-C, SIGTERM or `should_exit`; what is under way is finished.

        Args:
            sockets: They listen.
            ready: Is called once it answers; a signal from then on ends it well.
        """
        self._ready = ready
        super().run(sockets)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """By now signals are caught: said earlier, an early one would cut it off."""
        await super().startup(sockets)
        self._ready()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Without uvicorn's raising them again: whoever runs it has things to close."""
        with contextlib.ExitStack() as stack:
            if threading.current_thread() is threading.main_thread():
                for number in (signal.SIGINT, signal.SIGTERM):
                    before = signal.signal(number, self.handle_exit)
                    stack.callback(signal.signal, number, before)
            yield


def listen(flag: str, host: str, port: int) -> socket.socket:
    """A socket that listens.

    Raises:
        SettingError: If the port is taken, which names `flag`, or the host isn't this
            machine.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        one = socket.create_server((host, port), family=family)
    except OSError as error:
        if error.errno in _NOT_THIS_PORT:
            raise SettingError(flag, port, f"a port that is free ({error})") from None
        raise SettingError(
            "--host", host, f"a name or address of this machine ({error})"
        ) from None
    # asyncio doesn't do this for a socket it hasn't made: 40 ms a response.
    one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return one
