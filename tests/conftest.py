"""What all tests share."""

import contextlib
import gc
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # for forked.py and the like

# By these, programs would print or train otherwise than where nothing is set.
for name in (
    "COLUMNS",
    "FORCE_COLOR",
    "TTY_COMPATIBLE",
    "TTY_INTERACTIVE",
    "TF_CONFIG",
):
    os.environ.pop(name, None)
os.environ["LTPA_CACHE_DIR"] = ""  # the user's is no test's
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")  # tests compare numbers on the CPU


@pytest.fixture(scope="session", autouse=True)
def logical_devices():
    """Four CPU devices, to test replicas on; fixed before TensorFlow starts."""
    import tensorflow as tf

    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(
        cpu, [tf.config.LogicalDeviceConfiguration()] * 4
    )
    tf.config.threading.set_intra_op_parallelism_threads(2)
    tf.config.threading.set_inter_op_parallelism_threads(2)
    return tf.config.list_logical_devices("CPU")


@pytest.fixture(scope="session", autouse=True)
def garbage_is_looked_for_seldom(logical_devices):
    """What TensorFlow's import left stays; going over it takes a tenth of the time."""
    thresholds = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
    yield
    gc.set_threshold(*thresholds)
    gc.unfreeze()


@pytest.fixture(scope="module", autouse=True)
def a_files_garbage_is_found_in_it():
    """So that a warning of what a test left open fails a test of the same file.

    What is still there stays to the end, in caches of libraries above all: the next
    files needn't go over it again.
    """
    yield
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def forks_end():
    """What forked processes are forked of ends with the tests."""
    import forked

    yield
    forked.stop_server()


@pytest.fixture(autouse=True)
def fresh_keras():
    """Each test starts with the default policy and the same random state."""
    import keras

    keras.utils.set_random_seed(0)
    yield
    keras.config.set_dtype_policy("float32")
    keras.utils.clear_session(free_memory=False)


@pytest.fixture(scope="session")
def browser():
    """The machine's own Chromium, without a window."""
    playwright = pytest.importorskip(
        "playwright.sync_api", reason="no playwright: pip install -e '.[browser]'"
    )
    names = ("chromium", "chromium-browser", "google-chrome")
    found = os.environ.get("CHROMIUM_BIN") or next(
        filter(None, map(shutil.which, names)), None
    )
    if found is None:
        pytest.skip("no Chromium: apt-get install chromium, or set CHROMIUM_BIN")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def s3(tmp_path_factory):
    """An S3 server with an empty bucket, which this process and its children reach."""
    for name in ("moto.server", "s3fs"):
        pytest.importorskip(name, reason=f"no {name}: pip install -e '.[stores]'")
    from s3 import BUCKET, Server

    with _reached(
        Server(tmp_path_factory.mktemp("s3") / "log"), tmp_path_factory
    ) as s3:
        s3.store().mkdir(BUCKET)
        yield s3


@pytest.fixture(scope="session")
def gs(tmp_path_factory):
    """The same of Google Cloud Storage."""
    for name in ("gcp_storage_emulator", "gcsfs"):
        pytest.importorskip(name, reason=f"no {name}: pip install -e '.[stores]'")
    from gs import Server

    with _reached(
        Server(tmp_path_factory.mktemp("gs") / "log"), tmp_path_factory
    ) as gs:
        yield gs


@contextlib.contextmanager
def _reached(server, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        for name, value in server.environment.items():
            patch.setenv(name, value)
        # What could not be uploaded stays in a folder below this one.
        scratch = str(tmp_path_factory.mktemp("scratch"))
        patch.setenv("TMPDIR", scratch)
        patch.setattr("tempfile.tempdir", scratch)
        yield server
    server.close()


@pytest.fixture
def bucket(s3, tmp_path):
    """A folder of its own in that bucket, as s3://."""
    from s3 import BUCKET

    return f"s3://{BUCKET}/{tmp_path.name}"


@pytest.fixture(scope="session")
def cifar_dir() -> Path:
    """The folder with real CIFAR files, packed or unpacked."""
    folder = os.environ.get("LTPA_CIFAR_DIR")
    if not folder:
        pytest.skip("LTPA_CIFAR_DIR, the folder with the real CIFAR files, is not set")
    return Path(folder)


@pytest.fixture
def a_hub():
    """A Hugging Face Hub on this machine."""
    import hub

    one = hub.Hub()
    yield one
    one.close()


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 1 MiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    try:
        subprocess.run(mount, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("no right to mount a small disk")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)
