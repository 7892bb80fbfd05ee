"""Wrong flags and configs end programs with a sentence and exit code 2."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import rich.table

from ltpa_tf.programs import program as program_module

ROOT = Path(__file__).parents[2]

PROGRAM = """
'Does a thing.'
from absl import flags
from ltpa_tf.programs import program
from ltpa_tf.errors import SettingError, WorkError

config = program.define_config()
its_own = flags.DEFINE_string("its_own", "abc", "What for.")
several = flags.DEFINE_list("several", [], "What for.")

def main(argv):
    del argv
    if config.value.seed == 7:
        raise SettingError("seed", 7, "any other number")
    if config.value.seed == 8:
        raise RuntimeError("a defect")
    if config.value.seed == 9:
        raise KeyboardInterrupt
    if config.value.seed == 10:
        raise WorkError("The disk is full.")
    if several.value:
        print(its_own.value, *several.value)
    print("epochs", config.value.train.epochs, "levels", config.value.model.levels)

program.run(main, tensorflow=False)
"""


@pytest.fixture
def program(tmp_path):
    file = tmp_path / "program.py"
    file.write_text(PROGRAM)

    def start(*flags, cwd=ROOT):
        return subprocess.run(
            [sys.executable, str(file), *flags],
            capture_output=True,
            text=True,
            cwd=cwd,
            env={"PYTHONPATH": str(ROOT), "PATH": "", "HOME": "/home/me"},
        )

    return start


def test_overrides_reach_the_program(program):
    done = program(
        "--config=configs/cifar10.py:vgg_att_pc,recipe=paper",
        "--config.train.epochs=3",
        "--config.model.levels=7,10",
        "--config.optimizer.shift_factor=2",  # as earlier versions called it
        "--config.model.dropout=none",
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "epochs 3 levels (7, 10)\n"


@pytest.mark.parametrize("flag", ["--help", "-h"])
def test_help_is_docstring_and_the_programs_own_flags(program, flag):
    done = program(flag)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("Does a thing.\n\nFlags:\n  --config: ")
    assert "--its_own: What for.\n    (default: 'abc')" in done.stdout
    assert "--verbosity" not in done.stdout


def test_configs_are_found_from_any_folder(program, tmp_path):
    config = "configs/cifar10.py:vgg_att_pc,recipe=paper"
    flag = f"--config={config}"
    for given in ([flag], ["--config", config], ["-config", config]):
        done = program(*given, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
    # A file of that name in the folder itself goes first.
    (tmp_path / "configs").mkdir()
    own = tmp_path / "configs" / "cifar10.py"
    own.write_text(
        "from ltpa_tf.configs.cifar10 import get_config as get\n"
        "def get_config(row):\n  config = get(row)\n"
        "  config.train.epochs = 17\n  return config\n"
    )
    assert program(flag, cwd=tmp_path).stdout.startswith("epochs 17")


def test_a_setting_of_the_row_is_set_back_by_none(program):
    """As the sentences about settings that contradict each other say it."""
    for rest in [], ["--config.model.levels=None", "--config.model.trunk=None"]:
        done = program("--config=configs/quickstart.py", *rest)
        assert done.stdout.endswith(f"levels {None if rest else (4, 7)}\n")


def test_a_setting_may_be_emptied(program):
    """As of a backbone that shall begin without the weights that its config names."""
    config = "--config=configs/own_folder.py:efficientnetlite0"
    done = program(config, "--config.model.backbone_weights=")
    assert done.returncode == 0, done.stderr


def test_a_flags_home_is_spelled_out_as_no_shell_does(program):
    flags = ["--its_own=~/runs", "--several=~/a,b,~c,~"]
    done = program("--config=configs/cifar10.py", *flags)
    assert done.stdout.splitlines()[0] == "/home/me/runs /home/me/a b ~c /home/me"


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--config=configs/none.py"], "expected a config file.*'configs/none.py'"),
        (["--config", "configs/none.py"], "expected a config file.*'configs/none.py'"),
        (["--config=configs/none.py", "--config.seed=1"], "'configs/none.py'"),
        (["--config=configs/cifar10.py:vgg,recipe=old"], "modern, paper"),
        (["--config=configs/cifar10.py:vgg,lr=1"], "ROW or ROW,recipe=NAME"),
        (["--config=configs/quickstart.py:vgg"], "quickstart.py: it takes no argument"),
        (["--config=configs/search.py"], r"a file with a get_config\(\).*search.py'"),
        (["--its_own="], "--its_own: expected a value. Received: ''"),
        (["--config.train.epoch=3"], "--config.train.epoch: .*Received: '3'"),
        (["--config.train.epoch=3"], "one of these keys: epochs"),
        (["--config.train.epochs=abc"], "expected int, such as 60.*Received: 'abc'"),
        (["--config.model.levels=7 8"], "expected tuple.*Received: '7 8'"),
        (["--config.train.epochs=None"], "expected int, such as 60.*Received: 'None'"),
        (["--config.seed=1", "--config.seed", "abc"], "expected int.*Received: 'abc'"),
        (["--config.train.epochs.x=1"], "a key of configs/common.py"),
        (["--config.train=abc"], "one of its keys: accumulation_steps"),
        (["--unknown=1"], "unknown"),
        (["a_word"], r"unexpected arguments \['a_word'\]"),
        (["--config.seed=7"], "seed: expected any other number.*Received: 7"),
    ],
)
def test_mistakes_are_sentences(program, flags, said):
    if not any(flag.startswith("--config=") or flag == "--config" for flag in flags):
        flags = ["--config=configs/cifar10.py", *flags]
    done = program(*flags)
    assert done.returncode == 2, done.stdout + done.stderr
    assert re.search(said, done.stderr)
    assert "Traceback" not in done.stderr


def test_config_is_required(program):
    done = program()
    assert done.returncode == 2
    assert "--config" in done.stderr


def test_defects_keep_their_traceback(program):
    done = program("--config=configs/cifar10.py", "--config.seed=8")
    assert done.returncode == 1
    assert "Traceback" in done.stderr


def test_work_that_can_not_be_finished_is_a_sentence(program):
    done = program("--config=configs/cifar10.py", "--config.seed=10")
    assert done.returncode == 1
    assert done.stderr == "error: The disk is full.\n"


def test_interrupt_has_the_exit_code_of_shells(program):
    done = program("--config=configs/cifar10.py", "--config.seed=9")
    assert done.returncode == 130
    assert "Traceback" not in done.stderr


def test_lines_of_a_piped_table_are_not_wrapped(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    table = rich.table.Table("image", "class")
    table.add_row("a" * 200, "b" * 100)
    program_module.console().print(table)
    (line,) = [row for row in capsys.readouterr().out.splitlines() if "aaa" in row]
    assert "a" * 200 in line and "b" * 100 in line


def test_a_backend_that_there_is_not_is_a_sentence(start_anew, monkeypatch):
    """Keras can't even be imported, and TensorFlow imports it."""
    monkeypatch.setenv("KERAS_BACKEND", "nonsense")
    done = start_anew("evaluate", "--workdir=there")
    assert done.returncode == 2
    assert re.match("error: KERAS_BACKEND: .*Received: 'nonsense'", done.stderr)
