"""Ports for servers that a test starts."""

import random
import socket


def free_port() -> int:
    """A port of this machine that nothing listens on, nor will by chance.

    A port that the system chooses may be some connection's by the time the server
    starts; these lie below the ones that it chooses from.
    """
    # Not the seeded generator: tests that run side by side would find the same one.
    for port in random.SystemRandom().sample(range(16384, 32768), 100):
        try:
            with socket.create_server(("127.0.0.1", port)):
                return port
        except OSError:
            continue
    raise RuntimeError("100 ports in a row are taken")
