"""A quiet TensorFlow, for programs."""

import contextlib
import logging
import os
import sys
import tempfile
from collections.abc import Iterator

from absl import logging as absl_logging


def start_tensorflow() -> None:
    """Imports TensorFlow without the dozen lines that it greets with.

    Whoever sets TF_CPP_MIN_LOG_LEVEL below 2, the level without warnings, sees what
    they ask for. If the import fails, all that was said is shown.
    """
    shown = os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2") in ("0", "1")
    if shown or sys.stderr is None:  # None: closed by whoever started the program
        return
    os.environ.setdefault("GRPC_VERBOSITY", "ERROR")
    absl_logging.set_verbosity(absl_logging.WARNING)
    # TensorFlow's C++ part writes to the file descriptor before it heeds any setting.
    sys.stderr.flush()
    kept = os.dup(2)
    with tempfile.TemporaryFile() as said:
        os.dup2(said.fileno(), 2)
        try:
            import tensorflow as tf

            tf.config.list_physical_devices()
        except BaseException:
            said.seek(0)
            os.write(kept, said.read())
            raise
        finally:
            os.dup2(kept, 2)
            os.close(kept)


def retracing_expected() -> contextlib.AbstractContextManager[None]:
    """Without TensorFlow's warning that the same functions are traced again and again.

    It is right for a program; each of many models in a process has its own functions.
    """
    return _without("triggered tf.function retracing")


def deprecation_expected() -> contextlib.AbstractContextManager[None]:
    """Without TensorFlow's warning that a function has a successor, which can't do."""
    return _without("is deprecated and will be removed")


@contextlib.contextmanager
def _without(text: str) -> Iterator[None]:
    def is_other(record: logging.LogRecord) -> bool:
        return text not in record.getMessage()

    logger = logging.getLogger("tensorflow")
    logger.addFilter(is_other)
    try:
        yield
    finally:
        logger.removeFilter(is_other)
