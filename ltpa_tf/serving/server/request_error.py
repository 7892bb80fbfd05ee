"""What a request can be refused with."""

import contextlib
from collections.abc import Iterator

import grpc


class RequestError(Exception):
    """A request that can't be answered; its text is a sentence for the client.

    Args:
        sentence: What is wrong with the request.
        code: Which kind of error, as gRPC and TensorFlow number them.
    """

    def __init__(
        self,
        sentence: str,
        code: grpc.StatusCode = grpc.StatusCode.INVALID_ARGUMENT,
    ):
        super().__init__(sentence[:1000])  # gRPC sends no more than some 8 kB
        self.code = code


@contextlib.contextmanager
def refusing(context: grpc.ServicerContext) -> Iterator[None]:
    """Tells a gRPC client what a request is refused with."""
    try:
        yield
    except RequestError as error:
        context.abort(error.code, str(error))
