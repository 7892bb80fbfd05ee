"""A worker of a search waits for the chief."""

import os
import time
from collections.abc import Callable

import grpc

from ltpa_tf.errors import SearchError

# A chief may have to wait for its machine; keras-tuner's clients are as patient.
_PATIENCE = 3600.0


def wait_for(is_over: Callable[[], bool]) -> bool:
    """Waits until the chief of keras-tuner's environment variables answers.

    Args:
        is_over: Whether the search has ended, so that no chief will come.

    Returns:
        Whether there is a chief; if not, the search is over.

    Raises:
        SearchError: If there is neither after an hour.
    """
    address = ":".join(
        os.environ[f"KERASTUNER_ORACLE_{part}"] for part in ("IP", "PORT")
    )
    end = time.monotonic() + _PATIENCE
    said = False
    with grpc.insecure_channel(address) as channel:
        answers = grpc.channel_ready_future(channel)
        while not is_over():
            try:
                answers.result(timeout=1.0)
            except grpc.FutureTimeoutError:
                if time.monotonic() > end:
                    raise SearchError(f"no chief has answered at {address}") from None
            else:
                return True
            if not said:
                print(f"Waiting for the chief at {address}.", flush=True)
                said = True
        answers.cancel()
    return False
