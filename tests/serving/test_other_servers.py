"""Our client asks real servers of the Open Inference Protocol, which others wrote.

    OPEN_INFERENCE_PYTHON=/path/to/python pytest tests/serving/test_other_servers.py

where that Python has `onnxruntime`, and `kserve` or `mlserver`: they need other
versions of what TensorFlow needs, too. Without it these tests are skipped.
"""

import contextlib
import os
import subprocess
from pathlib import Path

import numpy as np
import pytest
from ports import free_port

from ltpa_tf import serving
from ltpa_tf.images import Preprocessing
from ltpa_tf.serving import onnx_file
from ltpa_tf.serving.prediction import from_outputs
from ltpa_tf.serving.signatures import Signatures

SERVERS = Path(__file__).with_name("other_servers.py")


@pytest.fixture(scope="module")
def signatures(build, class_names):
    return Signatures(build(), class_names, Preprocessing("pad"))


@pytest.fixture(params=["kserve", "mlserver"])
def addresses(request, signatures, images, tmp_path):
    """Where REST and gRPC will answer, some time."""
    python = os.environ.get("OPEN_INFERENCE_PYTHON")
    if not python:
        pytest.skip("no OPEN_INFERENCE_PYTHON")
    if subprocess.run([python, "-c", f"import {request.param}"]).returncode:
        pytest.skip(f"no {request.param} in {python}")
    file = tmp_path / "model.onnx"
    onnx_file.to_onnx(signatures, file, images)
    ports = [free_port() for _ in range(2)]
    command = [python, str(SERVERS), request.param, str(file), *map(str, ports)]
    with subprocess.Popen(command, cwd=tmp_path) as process:
        yield f"http://127.0.0.1:{ports[0]}", f"grpc://127.0.0.1:{ports[1]}"
        process.terminate()


def test_our_client(addresses, signatures, images, wait_for):
    def there(client):
        with contextlib.suppress(serving.ServingError):
            return client.image_shape == (32, 32, 3)

    outputs = signatures.attention_maps(images).items()
    wanted = from_outputs({name: value.numpy() for name, value in outputs})
    for address in addresses:
        with serving.Client(address, "animals", protocol="v2", timeout=60) as client:
            wait_for(lambda client=client: there(client))
            found = client.predict(images)
            (plain,) = client.predict(images[:1], maps=False)
        assert (plain.names, plain.maps) == (wanted[0].names, {})
        for one, other in zip(found, wanted, strict=True):
            assert one.names == other.names
            assert one.preprocessing == signatures.preprocessing
            for kind in ("maps", "image_maps", "evidence"):
                own, others = getattr(one, kind), getattr(other, kind)
                assert own.keys() == others.keys() == {2, 4}
                for level, values in own.items():
                    np.testing.assert_allclose(values, others[level], atol=1e-4)
