"""Serves an export: REST, gRPC and the explorer page.

python -m pipelines.serve --model_dir=saved_models/quickstart

Starts tensorflow_model_server where there is one (TF_SERVING_BIN, the PATH, Docker) and
it may listen where it does, otherwise a development server that speaks the same REST
and gRPC.
"""

import os
import shlex
import signal
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from absl import flags

from ltpa_tf.programs import program

if TYPE_CHECKING:
    from ltpa_tf.serving.model_server import ModelServer
    from ltpa_tf.serving.server import DevelopmentServer

_MODEL_DIR = flags.DEFINE_string("model_dir", None, "What export.py has written into.")
_SERVER = flags.DEFINE_enum(
    "server",
    "auto",
    ["auto", "tensorflow", "development"],
    "Which server; auto takes tensorflow_model_server if there is one.",
)
_HOST = flags.DEFINE_string(
    "host",
    "127.0.0.1",
    "Address to listen on; there is no password. A tensorflow_model_server outside of "
    "Docker can't but listen on every interface, and needs 0.0.0.0.",
)
_PORTS = {"lower_bound": 0, "upper_bound": 65535}
_REST_PORT = flags.DEFINE_integer("rest_api_port", 8501, "Port for REST.", **_PORTS)
_GRPC_PORT = flags.DEFINE_integer("port", 8500, "Port for gRPC.", **_PORTS)
_EXPLORER_PORT = flags.DEFINE_integer(
    "explorer_port",
    8502,
    "Port of the explorer beside a tensorflow_model_server, which serves no pages; the "
    "development server has it on the REST port.",
    **_PORTS,
)
_BATCHING = flags.DEFINE_bool(
    "batching",
    True,
    "Whether tensorflow_model_server puts requests together; the development server "
    "never does.",
)
_CORS = flags.DEFINE_bool(
    "rest_api_enable_cors_support",
    False,
    "Whether pages of other sites may ask the development server.",
)


def main(argv: Sequence[str]) -> int:
    """Serves until Ctrl-C or SIGTERM."""
    del argv
    from ltpa_tf import serving
    from ltpa_tf.serving import model_server, server_files

    command = model_server.find() if _SERVER.value != "development" else None
    why = "no tensorflow_model_server is in TF_SERVING_BIN, the PATH or Docker"
    if (
        command
        and _SERVER.value == "auto"
        and not model_server.can_listen_on(command, _HOST.value)
    ):
        why = f"{command[0]} would listen on every interface; --host=0.0.0.0 starts it"
        command = None
    model = server_files.read_models(_MODEL_DIR.value)
    findings = serving.check_export(
        _MODEL_DIR.value,
        load=False,
        # The development server doesn't care whether the folder was moved.
        base_path=None if command or model is None else model.base_path,
    )
    for sentence in findings:
        print(sentence)
    if findings:
        return 1
    if command:
        return _serve_for_real(command)
    if _SERVER.value == "tensorflow":
        print(why)
        return 1
    return _serve_for_development(why if _SERVER.value == "auto" else "as asked")


def _serve_for_real(command: list[str]) -> int:
    from ltpa_tf.serving.model_server import ModelServer
    from ltpa_tf.serving.page_server import PageServer

    # By default SIGTERM ends Python at once, and the server would stay behind.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    handle, log = tempfile.mkstemp(prefix="tensorflow_model_server-", suffix=".log")
    os.close(handle)
    with ModelServer(
        _MODEL_DIR.value,
        command,
        host=_HOST.value,
        rest_port=_REST_PORT.value,
        grpc_port=_GRPC_PORT.value,
        batching=_BATCHING.value,
        cors=True,  # the explorer comes from another port
        log=log,
    ) as server:
        print(f"tensorflow_model_server, started as: {' '.join(command)}")
        print(f"What it says is in {log}")
        pages = PageServer(
            _MODEL_DIR.value, server.name, server.url, port=_EXPLORER_PORT.value
        )
        pages.run(lambda: _say_where(server, pages.url))
    return 0


def _serve_for_development(why: str) -> int:
    from ltpa_tf.serving.server import DevelopmentServer

    print(f"Development server: {why}")
    server = DevelopmentServer(
        _MODEL_DIR.value,
        host=_HOST.value,
        rest_port=_REST_PORT.value,
        grpc_port=_GRPC_PORT.value,
        cors=_CORS.value,
    )
    server.run(lambda: _say_where(server, server.url))
    return 0


def _say_where(server: "DevelopmentServer | ModelServer", explorer: str) -> None:
    from ltpa_tf.serving.server.pages import sample_files

    url = f"{server.url}/v1/models/{quote(server.name)}"
    sample = shlex.quote(str(sample_files(Path(_MODEL_DIR.value))[0]))
    print(
        f"""
  explorer   {explorer}/
  REST       {url}
  gRPC       {server.grpc_address}

Try it:

  curl -d '{{"signature_name": "serving_bytes", "instances": [{{"b64": "'"$(base64 <{sample} | tr -d '\\n')"'"}}]}}' {url}:predict

Ctrl-C ends it.""",  # noqa: E501 - a line to copy
        flush=True,
    )


def cli() -> None:
    """The installed command `ltpa-serve`."""
    flags.mark_flag_as_required("model_dir")
    program.run(main)


if __name__ == "__main__":
    cli()
