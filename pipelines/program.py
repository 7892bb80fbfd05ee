"""What every program shares: quiet start, errors as sentences, exit codes."""

import os
import sys
from collections.abc import Callable, Sequence

from absl import app

from ltpa_tf.errors import SettingError

EXIT_SETTING = 2  # a setting can't be used
EXIT_INTERRUPTED = 130  # Ctrl-C, as shells report it


def run(main: Callable[[Sequence[str]], int | None]) -> None:
    """Runs `main` under absl and ends the process with its exit code.

    A `SettingError` becomes one sentence on stderr and exit code 2. Any other
    exception is a defect and keeps its traceback.

    Args:
        main: Takes the arguments that are no flags; returns an exit code or None.
    """
    # Both must be set before TensorFlow starts; a user's own values win.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    os.environ.setdefault("GRPC_VERBOSITY", "ERROR")
    app.run(lambda argv: _guarded(main, argv))


def _guarded(main: Callable[[Sequence[str]], int | None], argv: Sequence[str]) -> int:
    if len(argv) > 1:
        return _say(
            f"unexpected arguments {list(argv[1:])}: settings are given as --name=value"
        )
    try:
        return main(argv) or 0
    except SettingError as error:
        return _say(str(error))
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return EXIT_INTERRUPTED


def _say(sentence: str) -> int:
    print(f"error: {sentence}", file=sys.stderr)
    return EXIT_SETTING
