"""The Open Inference Protocol over gRPC: `inference.GRPCInferenceService`."""

import functools
from collections.abc import Callable

import grpc
from google.protobuf.message import Message

from ltpa_tf.serving import open_inference as protocol
from ltpa_tf.serving.server import open_inference as core
from ltpa_tf.serving.server.repository import Repository
from ltpa_tf.serving.server.request_error import RequestError, refusing


def handler(repository: Repository) -> grpc.GenericRpcHandler:
    """What a gRPC server needs to answer the protocol's requests."""
    methods = {
        "ServerLive": lambda _: {"live": True},
        "ServerReady": lambda _: {"ready": True},  # a model is there, so it serves
        "ServerMetadata": lambda _: core.SERVER,
        "ModelReady": lambda asked: {"ready": bool(_find(repository, asked))},
        "ModelMetadata": lambda asked: _find(repository, asked).metadata(),
        "ModelInfer": functools.partial(_infer, repository),
    }
    handlers = {name: _method(name, answer) for name, answer in methods.items()}
    return grpc.method_handlers_generic_handler(protocol.SERVICE, handlers)


def _method(name: str, answer: Callable[[Message], dict]) -> grpc.RpcMethodHandler:
    request, response = (
        protocol.MESSAGES[f"{name}{kind}"] for kind in ("Request", "Response")
    )

    def call(asked: Message, context: grpc.ServicerContext) -> Message:
        with refusing(context):
            return response(**answer(asked))

    return grpc.unary_unary_rpc_method_handler(
        call, request.FromString, response.SerializeToString
    )


def _find(repository: Repository, asked: Message) -> core.Model:
    return core.find(repository, asked.name, asked.version)


def _infer(repository: Repository, request: Message) -> dict:
    model = core.find(repository, request.model_name, request.model_version)
    raw = request.raw_input_contents
    if raw and len(raw) != len(request.inputs):
        raise RequestError(f"{len(raw)} raw inputs, must be {len(request.inputs)}")
    for one in (*request.inputs, *request.outputs):
        core.refuse_extensions(one.name, one.parameters)
    inputs = []
    for number, one in enumerate(request.inputs):
        if raw and one.HasField("contents"):
            raise RequestError(f"{one.name}: contents beside raw_input_contents")
        read, content = (
            (protocol.from_bytes, raw[number])
            if raw
            else (protocol.from_contents, one.contents)
        )
        read = functools.partial(read, content, one.datatype, one.shape)
        inputs.append(core.Input(one.name, one.datatype, one.shape, read))
    found = model.infer(inputs, [one.name for one in request.outputs])
    return {
        "model_name": model.name,
        "model_version": str(model.version.number),
        "id": request.id,
        "outputs": [protocol.described(*one) for one in found.items()],
        "raw_output_contents": [protocol.to_bytes(one) for one in found.values()],
    }
