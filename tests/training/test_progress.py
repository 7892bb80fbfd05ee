import io
import re

import pytest

from ltpa_tf.training.records import ProgressBar

LOGS = {"loss": 1.25, "accuracy": 0.5, "images_per_second": 500.0, "other": 3.0}


def screen(**options):
    return ProgressBar(epochs=3, steps_per_epoch=10, batch_size=100, **options)


def test_plain_lines_where_there_is_no_terminal(capsys):
    with screen(every_seconds=1e-9) as shown:
        shown.on_epoch_begin(1)
        shown.on_train_batch_end(4, LOGS)
        shown.on_epoch_end(1, {"loss": 1.0, "val_accuracy": 0.75})
    lines = capsys.readouterr().err.splitlines()
    # 1,500 images are left.
    assert lines == [
        "epoch 2/3  step 15/30  loss 1.2500  accuracy 50.00%  500 images/s  0:03 left",
        "epoch 2/3  loss 1.0000  validation accuracy 75.00%",
    ]


def test_no_more_lines_than_asked_for(capsys):
    with screen(every_seconds=60.0) as shown:
        shown.on_epoch_begin(0)
        for batch in range(9):
            shown.on_train_batch_end(batch, LOGS)
    assert capsys.readouterr().err == ""


def test_bar_on_a_terminal(monkeypatch):
    terminal = io.StringIO()
    terminal.isatty = lambda: True
    monkeypatch.setattr("sys.stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    with screen() as shown:
        shown.on_epoch_begin(1)
        shown.on_train_batch_end(0, LOGS)
        shown.say("a line that stays")
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", terminal.getvalue())
    assert "epoch 2/3" in text
    assert "11/30" in text
    assert "loss 1.2500" in text
    assert "500 images/s" in text
    assert "a line that stays" in text


def test_waiting_says_how_long_it_took(capsys):
    with screen() as shown, shown.waiting("Compiling"):
        pass
    assert re.fullmatch(
        r"Compiling \.\.\.\nCompiling took \d+\.\d s\n", capsys.readouterr().err
    )


def test_quiet(capsys):
    with screen(every_seconds=1e-9, quiet=True) as shown:
        shown.on_epoch_begin(0)
        shown.on_train_batch_end(0, LOGS)
        shown.say("nothing")
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("seconds", [1e-9, 60.0])
def test_eta_needs_a_speed(capsys, seconds):
    with screen(every_seconds=seconds) as shown:
        shown.on_epoch_begin(0)
        shown.on_train_batch_end(0, {"loss": 1.0})
    assert "left" not in capsys.readouterr().err
