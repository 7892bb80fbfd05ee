"""The explorer's pages, filled in with what is served."""

import errno
import socket
from collections.abc import Callable
from pathlib import Path

import orjson
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from ltpa_tf.errors import SettingError
from ltpa_tf.serving import versions
from ltpa_tf.serving.saved_model import SAMPLES

_NOT_THIS_PORT = (errno.EADDRINUSE, errno.EACCES)
EXPLORER = Path(__file__).parents[1] / "explorer"


def pages(base: Path, model: str, server: str = "") -> Starlette:
    """The application of the explorer.

    The same files work from any static host; there `explorer.json` is edited by hand.

    Args:
        base: Folder of the versions; sample images of the latest are shown, if it has
            any, in place of the bundled ones.
        model: Name of the model.
        server: Address of the server to ask; empty if it is the one with the pages.
    """
    samples = sample_files(base)
    settings = orjson.dumps(
        {
            "server": server,
            "model": model,
            "samples": [f"{SAMPLES}/{file.name}" for file in samples],
        }
    )

    async def explorer(_request: Request) -> Response:
        return Response(settings, media_type="application/json")

    return Starlette(
        routes=[
            Route("/explorer.json", explorer),
            Mount(f"/{SAMPLES}", StaticFiles(directory=samples[0].parent)),
            Mount("/", StaticFiles(directory=EXPLORER, html=True)),
        ]
    )


def sample_files(base: Path) -> list[Path]:
    """Sample images of the latest version, or the bundled ones."""
    own = versions.latest_version(base) / SAMPLES
    return sorted(own.glob("*.png")) or sorted((EXPLORER / SAMPLES).glob("*.png"))


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


def server_of(application: Callable) -> uvicorn.Server:
    """An HTTP server of an ASGI application.

    Its parser is h11, whatever else is installed: parsers differ in what they accept.
    """
    return uvicorn.Server(
        uvicorn.Config(
            application,
            http="h11",
            lifespan="off",
            log_level="warning",
            timeout_keep_alive=60,
        )
    )
