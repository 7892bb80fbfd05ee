"""What every program shares: quiet start, flags, errors as sentences, exit codes."""

import functools
import re
import sys
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from absl import app, flags
from ml_collections import ConfigDict, config_flags

from ltpa_tf import compile_cache, configs, stores
from ltpa_tf.backend import check_environment, need_tensorflow
from ltpa_tf.configs import common
from ltpa_tf.errors import SettingError, WorkError
from ltpa_tf.home import expanded
from ltpa_tf.old_configs import renewed_flag
from ltpa_tf.quiet import start_tensorflow
from ltpa_tf.words import nearest

if TYPE_CHECKING:
    from rich.console import Console

# A flag defined here, --config, is its program's own: --help lists it there.
flags.disclaim_key_flags()

_NAMES = ("--config", "-config")
_STARTS = tuple(f"{name}=" for name in _NAMES)
_ADDRESSES = ("server",)  # flags for http:// and grpc://
_UNWRAPPED = 10_000  # columns, where no terminal's width counts
EXIT_SETTING = 2  # a setting can't be used
EXIT_INTERRUPTED = 130  # Ctrl-C, as shells report it


def run(
    main: Callable[[Sequence[str]], int | None],
    *,
    tensorflow: bool = True,
    arguments: bool = False,
    remote: Collection[str] = (),
) -> None:
    """Runs `main` under absl and ends the process with its exit code.

    A `SettingError`, or a flag that can't be used, becomes one sentence on stderr and
    exit code 2; a `WorkError` likewise, with its own exit code. Any other exception is
    a defect and keeps its traceback.

    Args:
        main: Takes the arguments that are no flags; returns an exit code or None.
        tensorflow: Whether `main` needs TensorFlow, which is then started before.
        arguments: Whether it takes any that are no flags.
        remote: The flags by which it takes a store's folders, see `ltpa_tf.remote`.
    """

    def guarded(argv: Sequence[str]) -> int:
        if len(argv) > 1 and not arguments:
            return _say(
                f"unexpected arguments {list(argv[1:])}: settings are given as "
                "--name=value"
            )
        try:
            _refuse_empty()
            _spell_out_home()
            _refuse_stores(remote)
            if tensorflow:
                start()
            return main(argv) or 0
        except SettingError as error:
            return _say(str(error))
        except WorkError as error:
            return _say(str(error), error.exit_code)
        except KeyboardInterrupt:
            print("interrupted", file=sys.stderr)
            return EXIT_INTERRUPTED

    sys.argv[:] = map(renewed_flag, sys.argv)  # ml_collections reads it, too
    app.run(guarded, flags_parser=functools.partial(_parse_flags, main))


def start() -> None:
    """Starts TensorFlow, and Keras on it.

    Raises:
        SettingError: If the user has set another Keras backend.
    """
    compile_cache.enable()
    check_environment()
    try:
        start_tensorflow()
    except (ImportError, ValueError):  # TensorFlow imports Keras
        need_tensorflow()
        raise
    need_tensorflow()
    import keras

    # A keras.json may say channels_first; runs made by earlier versions hold layers
    # that follow it.
    keras.config.set_image_data_format("channels_last")


def define_config() -> flags.FlagHolder:
    """Defines `--config=FILE.py[:ARGUMENT]` and its overrides `--config.KEY=VALUE`."""
    holder = config_flags.DEFINE_config_file(
        "config",
        None,
        "The experiment: one of configs/*.py or your own; --config.KEY=VALUE changes "
        "any setting of configs/common.py, e.g. --config.train.epochs=3.",
        lock_config=True,
    )
    flags.mark_flag_as_required("config")
    return holder


def define_data_dir() -> flags.FlagHolder:
    """Defines `--data_dir`, for programs that read the data of a run."""
    return flags.DEFINE_string(
        "data_dir",
        "",
        "Where the run's data is now, if it has moved; see data.dir in "
        "configs/common.py.",
    )


def check_apart(export_dir: str, workdir: str) -> None:
    """Refuses a run's own folder, and one in it: a run's files are its own.

    Raises:
        SettingError: Naming --export_dir.
    """
    here, run = (
        PurePosixPath(stores.whole_url(one))
        if stores.is_remote(one)
        else Path(one).resolve()
        for one in (export_dir, workdir)
    )
    if run in (here, *here.parents):
        raise SettingError(
            "--export_dir", export_dir, f"a folder outside of --workdir={workdir}"
        )


def console() -> "Console":
    """Where tables are printed; piped or redirected, none of their lines is wrapped.

    Text is printed as it is: "[copy]" in a name is no markup, ":cat:" no emoji.
    """
    from rich.console import Console

    width = None if sys.stdout.isatty() else _UNWRAPPED
    return Console(width=width, markup=False, emoji=False)


def _refuse_empty() -> None:
    """Refuses `--workdir=`, as of a shell's unset variable: it would be this folder.

    Flags that are empty unless set may be set so, too, and a config's settings, where
    an empty one is off.
    """
    for name in flags.FLAGS:
        if "." in name:
            continue
        if flags.FLAGS[name].value == "" != flags.FLAGS[name].default:
            raise SettingError(f"--{name}", "", "a value")


def _spell_out_home() -> None:
    """In flags' values, whose `~` shells leave as it is behind a `=`."""
    for name in flags.FLAGS:
        if "." in name:  # a config's paths are made absolute where they are used
            continue
        value = flags.FLAGS[name].value
        if isinstance(value, list):
            flags.FLAGS[name].value = [_without_home(one, name) for one in value]
        else:
            flags.FLAGS[name].value = _without_home(value, name)


def _without_home(value: object, name: str) -> object:
    at_home = isinstance(value, str) and (value == "~" or value.startswith("~/"))
    return str(expanded(value, f"--{name}")) if at_home else value


def _refuse_stores(taken: Collection[str]) -> None:
    """Refuses a store's paths where a folder of that name would be made here."""
    for name in flags.FLAGS:
        value = flags.FLAGS[name].value
        if name in (*taken, *_ADDRESSES) or "." in name:  # a config has its own checks
            continue
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, str):
                stores.local(one, f"--{name}")


def _parse_flags(main: Callable, argv: list[str]) -> list[str]:
    """As absl does, with the errors of config files and overrides as sentences."""
    if {"--help", "-help", "-h"} & set(argv):
        print(_help(main, argv[0]))
        sys.exit(0)
    argv = [*map(_located, argv, ["", *argv])]
    unset = [one for one in argv if _unsets(one)]
    try:
        rest = flags.FLAGS([one for one in argv if one not in unset])
        if "config" in flags.FLAGS:
            # A file that can't be loaded shows itself only when the config is used.
            flags.FLAGS.config.to_dict()
            for one in unset:
                flags.FLAGS.config.model[_model_key(one)] = None
        return rest
    except (flags.Error, OSError, AttributeError, KeyError, TypeError) as error:
        sys.exit(_say(str(_explain(error, argv))))


def _unsets(flag: str) -> bool:
    """Whether it is --config.model.KEY=None, which ml_collections takes for a text."""
    settings = common.get_config().model
    return (
        flag.startswith("--config.model.")
        and flag.endswith("=None")
        and settings.get(_model_key(flag), "") is None
    )


def _model_key(flag: str) -> str:
    """KEY of --config.model.KEY=VALUE."""
    return flag.partition("=")[0].removeprefix("--config.model.")


def _help(main: Callable, program: str) -> str:
    """The program's docstring and flags.

    Absl's own --help ends with exit code 1, and finds no flags of an installed command.
    """
    module = main.__module__
    documented = sys.modules[module].__doc__.strip()
    listed = flags.FLAGS.module_help(program if module == "__main__" else module)
    listed = listed.strip().partition("\n")[2]  # its first line names the module
    return f"{documented}\n\nFlags:\n{listed}\n\n--helpfull lists the libraries' too."


def _located(argument: str, before: str) -> str:
    """--config=configs/NAME.py in any folder: else the file that is installed.

    Args:
        argument: One of the command line's.
        before: The one before: --config may be followed by its value.
    """
    start = "" if before in _NAMES else next(filter(argument.startswith, _STARTS), None)
    if start is None:
        return argument
    file = argument.removeprefix(start)
    path = file.partition(":")[0]
    root = Path(configs.__file__).parents[1]
    if Path(path).is_file() or not (root / path).is_file():
        return argument
    return f"{start}{root / file}"


def _explain(error: Exception, argv: list[str]) -> Exception:
    """The user's mistake behind an error of absl's or ml_collections's."""
    cause = error
    while cause is not None:  # raised by the config file itself, wrapped since
        if isinstance(cause, SettingError):
            return cause
        cause = cause.__context__
    if lacking := re.findall(r"Flag (--\w+) must have a value", str(error)):
        return SettingError(", ".join(lacking), None, "a value; --help says of what")
    for name, value in _given(argv):
        if name == "config":
            file = value
            if not Path(file.partition(":")[0]).is_file():
                return SettingError(
                    "--config", file, "a config file that exists, such as configs/*.py"
                )
            if "has no attribute 'get_config'" in str(error):
                return SettingError("--config", file, "a file with a get_config()")
            if "get_config() takes 0 positional arguments" in str(error):
                path = file.partition(":")[0]
                return SettingError("--config", file, f"{path}: it takes no argument")
    for name, value in _given(argv):
        if name.startswith("config."):
            defaults = flags.FLAGS["config"].parser.parse(file)
            key = name.removeprefix("config.")
            mistake = _override_mistake(defaults, key, value, error)
            if mistake is not None:
                return mistake
    return error


def _given(argv: list[str]) -> Iterator[tuple[str, str]]:
    """Name and value of each flag: --name=value or --name value."""
    for argument, following in zip(argv, [*argv[1:], ""], strict=True):
        if argument.startswith("-"):
            name, equals, value = argument.lstrip("-").partition("=")
            yield name, value if equals else following


def _override_mistake(
    defaults: ConfigDict, key: str, value: str, error: Exception
) -> SettingError | None:
    level = defaults
    for part in key.split("."):
        if not isinstance(level, ConfigDict):
            return SettingError(f"--config.{key}", value, "a key of configs/common.py")
        if part not in level:
            keys = ", ".join(nearest(part, level) or level)
            return SettingError(f"--config.{key}", value, f"one of these keys: {keys}")
        kind, level = level.get_type(part), level[part]
    if isinstance(level, ConfigDict):
        keys = ", ".join(level)
        return SettingError(f"--config.{key}", value, f"one of its keys: {keys}")
    if f"config.{key}={value}:" in str(error):
        example = "" if level is None else f", such as {level!r}"
        return SettingError(f"--config.{key}", value, f"{kind.__name__}{example}")
    return None


def _say(sentence: str, exit_code: int = EXIT_SETTING) -> int:
    print(f"error: {sentence}", file=sys.stderr)
    return exit_code
