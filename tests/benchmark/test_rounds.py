"""Contenders in processes of their own."""

import sys

from ltpa_tf.benchmark.rounds import Contender, alternate

_SPEAKS = """
from ltpa_tf.benchmark.rounds import Turn
turn = Turn()
turn.say(software="mine")
turn.take(lambda: {"images": 10, "seconds": 2})
"""


def test_who_does_not_start_is_named_and_the_others_go_on(capsys):
    contenders = [
        Contender("good", [sys.executable, "-c", _SPEAKS]),
        Contender("bad", [sys.executable, "-c", "import of_nothing"]),
    ]
    (summary,) = alternate(contenders, 2)
    assert (summary["name"], summary["software"]) == ("good", "mine")
    assert summary["median_images_per_second"] == 5
    assert len(summary["rounds"]) == 2
    assert "bad: did not start" in capsys.readouterr().err
