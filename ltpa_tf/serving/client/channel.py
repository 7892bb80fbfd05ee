"""gRPC as both protocols need it: retries, and each way to fail by its exception."""

import json

import grpc
from google.protobuf.message import Message

from ltpa_tf.serving.client.transport import (
    BACKOFF,
    NotServed,
    RequestRefused,
    ServerFailed,
    ServerUnreachable,
)
from ltpa_tf.serving.sentences import sentence

_KINDS = {
    grpc.StatusCode.UNAVAILABLE: ServerUnreachable,
    grpc.StatusCode.DEADLINE_EXCEEDED: ServerUnreachable,
    grpc.StatusCode.NOT_FOUND: NotServed,
    grpc.StatusCode.INVALID_ARGUMENT: RequestRefused,
    grpc.StatusCode.FAILED_PRECONDITION: RequestRefused,
}


class GrpcConnection:
    """A connection over gRPC, not encrypted.

    Args:
        address: Such as `127.0.0.1:8500`.
        timeout: Seconds that one request may take, with all its retries.
        retries: How often a request is tried again, at most 4.
    """

    def __init__(self, address: str, timeout: float, retries: int):
        policy = {
            "maxAttempts": min(retries, 4) + 1,
            "initialBackoff": f"{BACKOFF}s",
            "maxBackoff": "5s",
            "backoffMultiplier": 2,
            # The second: all threads of the server wait for their batches.
            "retryableStatusCodes": ["UNAVAILABLE", "RESOURCE_EXHAUSTED"],
        }
        config = {"methodConfig": [{"name": [{}], "retryPolicy": policy}]}
        options = [("grpc.max_receive_message_length", -1)]
        if retries:
            options.append(("grpc.service_config", json.dumps(config)))
        self._address = address
        self._timeout = timeout
        self._channel = grpc.insecure_channel(address, options)

    def send(self, method: str, request: Message, answer: type[Message]) -> Message:
        """The server's answer to a method of a service.

        Raises:
            ServingError: If there is none.
        """
        call = self._channel.unary_unary(
            f"/{method}",
            request_serializer=type(request).SerializeToString,
            response_deserializer=answer.FromString,
        )
        try:
            return call(request, timeout=self._timeout)
        except grpc.RpcError as error:
            text = f"{self._address}: {sentence(error.details() or '')}"
            raise _KINDS.get(error.code(), ServerFailed)(text) from error

    def close(self) -> None:
        """Closes the connection."""
        self._channel.close()
