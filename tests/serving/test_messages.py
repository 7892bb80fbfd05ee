"""The client's messages are TensorFlow Serving's, byte by byte."""

import numpy as np
import pytest
import tensorflow as tf
from google.protobuf.descriptor_pb2 import DescriptorProto
from tensorflow.core.framework.tensor_pb2 import TensorProto
from tensorflow.core.protobuf.meta_graph_pb2 import SignatureDef, TensorInfo
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_pb2,
    predict_pb2,
)

from ltpa_tf.serving.client import messages


def described(message):
    proto = DescriptorProto()
    message.DESCRIPTOR.CopyToProto(proto)
    return proto.field


@pytest.mark.parametrize(
    ("own", "theirs"),
    [
        (messages.ModelSpec, model_pb2.ModelSpec),
        (messages.PredictRequest, predict_pb2.PredictRequest),
        (messages.PredictResponse, predict_pb2.PredictResponse),
        (
            messages.GetModelMetadataRequest,
            get_model_metadata_pb2.GetModelMetadataRequest,
        ),
        (
            messages.GetModelMetadataResponse,
            get_model_metadata_pb2.GetModelMetadataResponse,
        ),
        (messages.SignatureDefMap, get_model_metadata_pb2.SignatureDefMap),
        (messages.GetModelStatusRequest, get_model_status_pb2.GetModelStatusRequest),
        (messages.GetModelStatusResponse, get_model_status_pb2.GetModelStatusResponse),
        (messages.Tensor, TensorProto),
        (messages.SignatureDef, SignatureDef),
        (messages.TensorInfo, TensorInfo),
    ],
    ids=lambda one: one.DESCRIPTOR.name,
)
def test_every_field_has_the_number_and_type_that_it_has_there(own, theirs):
    known = {field.name: field for field in described(theirs)}
    for field in described(own):
        there = known[field.name]
        numbers = {there.TYPE_ENUM: there.TYPE_INT32}  # the same bytes
        assert field.number == there.number
        assert field.type == numbers.get(there.type, there.type)
        assert field.label == there.label


def test_states_are_theirs():
    states = get_model_status_pb2.ModelVersionStatus.State
    assert {number: name for name, number in states.items()} == messages.STATES


def test_what_is_sent_is_what_tensorflow_reads():
    images = np.arange(24, dtype=np.uint8).reshape(2, 2, 2, 3)
    for batch in (images, [b"\xff\xd8", b""]):
        content = messages.to_tensor(batch).SerializeToString()
        read = tf.make_ndarray(TensorProto.FromString(content))
        np.testing.assert_array_equal(read, np.array(batch))


@pytest.mark.parametrize(
    "array",
    [
        np.linspace(0, 1, 12, dtype=np.float32).reshape(3, 4),
        np.full((2, 5), 0.25, np.float32),
        np.array([[1, -2, 3]], np.int32),
        np.array([2**40, -1], np.int64),
        np.array([[b"cat", "döner".encode()]], object),
        np.zeros((0, 4), np.float32),
    ],
)
def test_what_tensorflow_writes_is_read(array):
    kind = tf.as_dtype(array.dtype)
    packed = tf.make_tensor_proto(array, kind)
    field = {"f": "float_val", "O": "string_val"}.get(array.dtype.kind)
    field = field or ("int64_val" if array.dtype == np.int64 else "int_val")
    plain = TensorProto(dtype=packed.dtype, tensor_shape=packed.tensor_shape)
    getattr(plain, field).extend(array.ravel().tolist())
    short = TensorProto(dtype=packed.dtype, tensor_shape=packed.tensor_shape)
    if len(set(array.ravel().tolist())) == 1:
        getattr(short, field).append(array.ravel()[0])
    for proto in (packed, plain, *([short] if getattr(short, field) else [])):
        own = messages.Tensor.FromString(proto.SerializeToString())
        read = messages.to_array(own)
        np.testing.assert_array_equal(read, array)
        assert read.dtype == array.dtype


def test_a_type_that_no_export_gives_is_named():
    tensor = messages.Tensor(dtype=8)
    with pytest.raises(ValueError, match="type number 8"):
        messages.to_array(tensor)
