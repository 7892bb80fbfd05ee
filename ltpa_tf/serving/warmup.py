"""The warm-up file: requests that a server answers before it takes traffic.

TFRecords of `PredictionLog`, in `assets.extra/` of a version. A server refuses a
version with more than 1,000 records or with a record that fails.
https://github.com/tensorflow/serving/blob/master/tensorflow_serving/g3doc/saved_model_warmup.md
"""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf
from google.protobuf.message import DecodeError
from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog

FILE = Path("assets.extra/tf_serving_warmup_requests")
MAX_RECORDS = 1000


def write(
    version: str | os.PathLike,
    signatures: dict[str, tf.TensorSpec],
    image_shape: tuple[int, int, int],
    batch_sizes: Sequence[int],
    model_name: str,
) -> int:
    """Writes one request for each signature and batch size.

    Args:
        version: Folder of the version.
        signatures: Signature name -> the specification of its one input.
        image_shape: `(H, W, 3)`.
        batch_sizes: The sizes that a server pads batches to.
        model_name: The name the model is served under.

    Returns:
        The number of records.
    """
    file = Path(version) / FILE
    file.parent.mkdir(exist_ok=True)
    shape = (max(batch_sizes), *image_shape)
    images = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    files = np.array([tf.io.encode_png(image).numpy() for image in images], object)
    count = 0
    with tf.io.TFRecordWriter(str(file)) as writer:
        for name, spec in signatures.items():
            values = files if spec.dtype == tf.string else images
            for size in batch_sizes:
                log = PredictionLog()
                request = log.predict_log.request
                request.model_spec.name = model_name
                request.model_spec.signature_name = name
                request.inputs[spec.name].CopyFrom(
                    tf.make_tensor_proto(values[:size], spec.dtype)
                )
                writer.write(log.SerializeToString())
                count += 1
    return count


def read(version: str | os.PathLike) -> Iterator:
    """The `PredictRequest`s of the file, in order; none without a file.

    Raises:
        ValueError: If a record is no `PredictionLog` with a `PredictRequest`.
    """
    file = Path(version) / FILE
    if file.exists():
        yield from read_log(file, "warm-up file")


def read_log(file: str | os.PathLike, kind: str = "request log") -> Iterator:
    """The `PredictRequest`s of any such file: a server's request logs are the same.

    Raises:
        ValueError: If a record is no `PredictionLog` with a `PredictRequest`.
    """
    try:
        for number, record in enumerate(tf.data.TFRecordDataset(str(file))):
            log = PredictionLog.FromString(record.numpy())
            if not log.HasField("predict_log"):
                raise ValueError(f"record {number} is no predict request")
            yield log.predict_log.request
    except (tf.errors.DataLossError, DecodeError) as error:
        raise ValueError(f"a damaged {kind}: {error}") from error


def replay(
    version: str | os.PathLike, signatures: Mapping[str, Callable[..., object]]
) -> int:
    """Sends every record through the signatures, as a server does.

    Args:
        version: Folder of the version.
        signatures: Signature name -> function of tensors by name, such as the
            `signatures` of what `tf.saved_model.load` returned.

    Returns:
        The number of records.

    Raises:
        ValueError: If a record fails; it says which and why.
    """
    count = 0
    for number, request in enumerate(read(version)):
        name = request.model_spec.signature_name or "serving_default"
        inputs = {
            key: tf.constant(tf.make_ndarray(value))
            for key, value in request.inputs.items()
        }
        try:
            signatures[name](**inputs)
        except Exception as error:  # what is wrong with a graph raises anything
            raise ValueError(f"warm-up record {number} ({name}): {error}") from error
        count += 1
    return count
