"""The explorer's pages, filled in with what is served."""

from pathlib import Path

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from ltpa_tf.serving import versions
from ltpa_tf.serving.saved_model import SAMPLES

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
