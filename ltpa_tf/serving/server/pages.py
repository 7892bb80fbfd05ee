"""The explorer's pages, filled in with what is served."""

from pathlib import Path

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from ltpa_tf.serving import versions

EXPLORER = Path(__file__).parents[1] / "explorer"
SAMPLES = "samples"


def pages(base: Path, model: str) -> list[BaseRoute]:
    """Routes of the explorer.

    The same files work from any static host; there `explorer.json` is edited by hand.

    Args:
        base: Folder of the versions; sample images of the latest are shown, if it has
            any, in place of the bundled ones.
        model: Name of the model.
    """
    samples = versions.latest_version(base) / SAMPLES
    folder = samples if samples.is_dir() else EXPLORER / SAMPLES
    settings = orjson.dumps(
        {
            "server": "",
            "model": model,
            "samples": sorted(f"{SAMPLES}/{f.name}" for f in folder.glob("*.png")),
        }
    )

    async def explorer(_request: Request) -> Response:
        return Response(settings, media_type="application/json")

    return [
        Route("/explorer.json", explorer),
        Mount(f"/{SAMPLES}", StaticFiles(directory=folder, check_dir=False)),
        Mount("/", StaticFiles(directory=EXPLORER, html=True, check_dir=False)),
    ]
