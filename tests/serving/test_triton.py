"""A model repository for Triton, read by Triton's own protos, and asked as it would be.

There is no Triton here: the server below reads `config.pbtxt` as Triton does, checks it
against the ONNX file, runs that in ONNX Runtime, and speaks Triton's own gRPC messages.
"""

import concurrent.futures

import grpc
import numpy as np
import pytest
from google.protobuf import text_format

from ltpa_tf import serving
from ltpa_tf.errors import SettingError
from ltpa_tf.images import Preprocessing
from ltpa_tf.serving import triton
from ltpa_tf.serving.signatures import Signatures

onnxruntime = pytest.importorskip("onnxruntime")
pytest.importorskip("tf2onnx")
client_grpc = pytest.importorskip("tritonclient.grpc")
utils = pytest.importorskip("tritonclient.utils")
model_config_pb2 = client_grpc.model_config_pb2
service_pb2, service_pb2_grpc = client_grpc.service_pb2, client_grpc.service_pb2_grpc

PADDED = Preprocessing("pad")


@pytest.fixture(scope="module")
def signatures(build, class_names):
    return Signatures(build(), class_names, PADDED)


@pytest.fixture(scope="module")
def repository(signatures, images, tmp_path_factory):
    """The folder of a model named `animals`."""
    folder = tmp_path_factory.mktemp("repository") / "animals"
    file, _, difference = triton.export(signatures, folder, images)
    assert file == folder / "1" / "model.onnx"
    assert difference < 1e-5
    return folder


def read_config(folder):
    text = (folder / "config.pbtxt").read_text()
    return text_format.Parse(text, model_config_pb2.ModelConfig())


# Triton's type -> ONNX Runtime's name of it, and the client's.
_TYPES = {
    "TYPE_UINT8": ("tensor(uint8)", "UINT8"),
    "TYPE_FP32": ("tensor(float)", "FP32"),
    "TYPE_INT32": ("tensor(int32)", "INT32"),
    "TYPE_STRING": ("tensor(string)", "BYTES"),
}


def type_of(tensor):
    return _TYPES[model_config_pb2.DataType.Name(tensor.data_type)]


def shape_of(tensor):
    return [*(tensor.reshape.shape if tensor.HasField("reshape") else tensor.dims)]


def test_the_configuration(repository, class_names):
    config = read_config(repository)
    assert config.backend == "onnxruntime"
    assert config.max_batch_size == 32
    assert config.dynamic_batching.max_queue_delay_microseconds > 0
    (images,) = config.input
    assert (images.name, [*images.dims]) == ("images", [32, 32, 3])
    outputs = {one.name: one for one in config.output}
    assert [*outputs["probabilities"].dims] == [len(class_names)]
    labels = (repository / outputs["probabilities"].label_filename).read_text()
    assert tuple(labels.splitlines()) == class_names
    assert [*outputs["level_4"].dims] == [*outputs["evidence_4"].dims] == [16, 16]
    assert [*outputs["preprocessing"].dims] == [1]  # Triton wants one at least
    assert {one.batch_size for one in config.model_warmup} == {1, 2, 4, 8, 16, 32}
    for one in config.model_warmup:
        assert [*one.inputs["images"].dims] == [32, 32, 3]


def test_the_configuration_is_that_of_the_file(repository):
    config = read_config(repository)
    session = onnxruntime.InferenceSession(repository / "1" / "model.onnx")
    for told, there in (
        (config.input, session.get_inputs()),
        (config.output, session.get_outputs()),
    ):
        assert {one.name: (type_of(one)[0], shape_of(one)) for one in told} == {
            one.name: (one.type, one.shape[1:]) for one in there
        }


class Triton(service_pb2_grpc.GRPCInferenceServiceServicer):
    """What Triton does with such a repository, as far as a client sees it."""

    def __init__(self, folder):
        self.name, self.config = folder.name, read_config(folder)
        self.session = onnxruntime.InferenceSession(folder / "1" / "model.onnx")
        self.asked = []

    def ModelMetadata(self, request, context):
        if request.name != self.name:
            context.abort(grpc.StatusCode.NOT_FOUND, "Request for unknown model")
        response = service_pb2.ModelMetadataResponse(name=self.name, versions=["1"])
        for tensors, told in (
            (self.config.input, response.inputs),
            (self.config.output, response.outputs),
        ):
            for one in tensors:
                told.add(name=one.name, datatype=type_of(one)[1], shape=[-1, *one.dims])
        return response

    def ModelInfer(self, request, context):
        (one,) = request.inputs
        assert one.shape[0] <= self.config.max_batch_size
        dtype = utils.triton_to_np_dtype(one.datatype)
        array = np.frombuffer(request.raw_input_contents[0], dtype).reshape(one.shape)
        names = [one.name for one in request.outputs]
        self.asked.append(names)
        response = service_pb2.ModelInferResponse(model_name=self.name, id=request.id)
        tensors = {one.name: one for one in self.config.output}
        found = self.session.run(names, {one.name: array})
        for name, value in zip(names, found, strict=True):
            shape = [len(array), *tensors[name].dims]
            datatype = type_of(tensors[name])[1]
            response.outputs.add(name=name, datatype=datatype, shape=shape)
            if datatype == "BYTES":
                value = np.vectorize(str.encode, otypes=[object])(value)
                content = utils.serialize_byte_tensor(value).item()
            else:
                content = value.tobytes()
            response.raw_output_contents.append(content)
        return response


@pytest.fixture(scope="module")
def server(repository):
    """The server, and its address."""
    servicer = Triton(repository)
    server = grpc.server(concurrent.futures.ThreadPoolExecutor(2))
    service_pb2_grpc.add_GRPCInferenceServiceServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield servicer, f"grpc://127.0.0.1:{port}"
    server.stop(None).wait()


def test_our_client_asks_it(server, signatures, images, encode, tmp_path):
    predictor = serving.Predictor(
        {name: function for name, (function, _) in signatures.functions().items()},
        signatures.image_shape,
        PADDED,
    )
    servicer, address = server
    file = tmp_path / "wide.png"
    wide = np.concatenate([images[0], images[1]], axis=1)
    file.write_bytes(encode(wide))
    with serving.Client(address, "animals", protocol="v2") as client:
        found = client.predict(images)
        found += client.predict_files([file])  # decoded here: padded, as it was trained
        (plain,) = client.predict(images[:1], maps=False)
    wanted = predictor.predict(images) + predictor.predict_files([file])
    for one, other in zip(found, wanted, strict=True):
        assert one.names == other.names
        np.testing.assert_allclose(one.probabilities, other.probabilities, atol=1e-5)
        for kind in ("maps", "image_maps", "evidence"):
            own, others = getattr(one, kind), getattr(other, kind)
            assert own.keys() == others.keys() == {2, 4}
            for level, values in own.items():
                np.testing.assert_allclose(values, others[level], atol=1e-4)
    assert found[-1].preprocessing == PADDED
    assert plain.maps == {}
    assert not {"level_2", "evidence_2"} & set(servicer.asked[-1])


def test_a_next_version(repository, signatures, images, build, class_names, tmp_path):
    config = repository / "config.pbtxt"
    tuned = config.read_text().replace("2000", "500")
    config.write_text(tuned)
    file, *_ = triton.export(signatures, repository, images, keep=1)
    assert file.parent.name == "2"
    assert config.read_text() == tuned
    assert not (repository / "1").exists()
    with pytest.raises(SettingError, match="exist|isn't in"):
        triton.export(signatures, repository, images, version=2)
    others = Signatures(build(levels=(4, 7)), class_names, PADDED)
    with pytest.raises(SettingError, match=r"config\.pbtxt.*another folder"):
        triton.export(others, repository, images)
    renamed = Signatures(build(), [f"a {name}" for name in class_names], PADDED)
    with pytest.raises(SettingError, match=r"labels\.txt.*another folder"):
        triton.export(renamed, repository, images)
    assert sorted(one.name for one in repository.iterdir()) == [
        "2",
        "config.pbtxt",
        "labels.txt",
    ]
