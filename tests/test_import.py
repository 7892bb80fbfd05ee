"""What `import ltpa_tf` costs and makes known, and which rooms import which."""

import ast
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import ltpa_tf

# The backend isn't what the order is about, and importing NumPy's takes half the time.
ORDERS = (
    ("import ltpa_tf, keras", "tensorflow"),
    ("import ltpa_tf.layers, keras", "numpy"),
    *(
        pytest.param(order, backend, marks=pytest.mark.slow)
        for order, backend in (
            ("import keras, ltpa_tf", "tensorflow"),
            ("from ltpa_tf.layers.heads import ConcatHead; import keras", "numpy"),
            ("import ltpa_tf.models, keras", "numpy"),
        )
    ),
)
LOAD = """
model = keras.models.load_model("finished/model.keras")
model = keras.models.load_model("new.keras")
print(type(model).__name__, model.levels)
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """With a model file of this version and one of 0.1.0."""
    folder = tmp_path_factory.mktemp("models")
    with zipfile.ZipFile(Path(__file__).parent / "made_before" / "0.1.0.zip") as packed:
        packed.extract("finished/model.keras", folder)
    ltpa_tf.models.build("vgg_att_pc", width=1 / 64).save(folder / "new.keras")
    return folder


def python(program, cwd):
    command = [sys.executable, "-c", program]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True)


def test_the_import_alone_is_light(tmp_path):
    done = python(
        "import sys, ltpa_tf; dir(ltpa_tf); ltpa_tf.__version__\n"
        "print({'keras', 'tensorflow', 'numpy'} & set(sys.modules))",
        tmp_path,
    )
    assert done.stdout == "set()\n", done.stderr


@pytest.mark.parametrize(("order", "backend"), ORDERS)
def test_keras_loads_models_after_the_import_alone(folder, monkeypatch, order, backend):
    if backend == "numpy":
        pytest.importorskip("jax", reason="Keras's numpy backend imports JAX")
    monkeypatch.setenv("KERAS_BACKEND", backend)
    done = python(order + LOAD, folder)
    assert done.stdout == "AttentionVGG (13,)\n", done.stderr


def test_submodules_are_there_without_their_import(tmp_path, monkeypatch):
    pytest.importorskip("jax", reason="Keras's numpy backend imports JAX")
    monkeypatch.setenv("KERAS_BACKEND", "numpy")
    done = python(
        "import ltpa_tf\nprint(ltpa_tf.models.build('vgg', width=1 / 64).levels)",
        tmp_path,
    )
    assert done.stdout == "()\n", done.stderr
    assert {"models", "serving", "__version__"} <= set(dir(ltpa_tf))
    with pytest.raises(AttributeError, match="no attribute 'modles'"):
        ltpa_tf.modles  # noqa: B018


@pytest.mark.parametrize("server", ["http", "grpc"])
def test_a_client_needs_no_tensorflow(tmp_path, server):
    done = python(
        "import sys\n"
        "from ltpa_tf.serving import Client, ServingError\n"
        "try:\n"
        f"    Client('{server}://127.0.0.1:9', 'mine', retries=0).image_shape\n"
        "except ServingError as error:\n"
        "    print(type(error).__name__, {'keras', 'tensorflow'} & set(sys.modules))\n",
        tmp_path,
    )
    assert done.stdout == "ServerUnreachable set()\n", done.stderr


def imported(file):
    """The folders of `ltpa_tf` that a module imports, anywhere in it."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(
            "ltpa_tf"
        ):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            yield from (name.split(".")[1] for name in names)


def test_rooms_import_from_lines_below_in_the_map_of_contributing():
    package = Path(ltpa_tf.__file__).parent
    text = (package.parent / "CONTRIBUTING.md").read_text(encoding="utf-8")
    map_ = re.search(r"## The map.*?```\n(.*?)```", text, re.DOTALL)[1]
    lines = [line.partition("  ")[0].split(", ") for line in map_.splitlines()]
    place = {room: number for number, rooms in enumerate(lines) for room in rooms}
    rooms = {folder.parent.name for folder in package.glob("*/__init__.py")}
    assert rooms - {"benchmark", "configs"} == set(place)
    upward = [
        f"{file.relative_to(package)} imports {other}"
        for room, number in place.items()
        for file in (package / room).rglob("*.py")
        for other in imported(file)
        if other != room and place.get(other, number + 1) <= number
    ]
    assert not upward
