"""What a client needs of a connection, and the ways it can fail."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

BACKOFF = 0.2  # seconds before the first retry; doubles each time


class ServingError(Exception):
    """A server didn't answer a request; its text says why."""


class ServerUnreachable(ServingError):
    """Nothing answers at the address, or not in time, after all retries."""


class NotServed(ServingError):
    """The server doesn't have the model, version or label."""


class RequestRefused(ServingError):
    """The server found the request wrong; its text is the server's."""


class ServerFailed(ServingError):
    """The server failed at a request, after all retries."""


class Transport(Protocol):
    """What `Client` needs of a connection."""

    def ask(self, signature: str, name: str, batch: Sequence) -> Mapping[str, Any]:
        """Output name -> values, for one named input: image files or an array."""

    def signatures(self) -> dict[str, dict[str, list[int]]]:
        """Signature name -> input name -> shape, -1 where any size goes."""

    def states(self) -> dict[int, str]:
        """Version -> state, such as `AVAILABLE`."""

    def close(self) -> None:
        """Gives the connection back."""
