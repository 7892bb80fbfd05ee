"""What a user reads when a setting can't be used."""

import pickle

import numpy as np
import pytest

from ltpa_tf.errors import SettingError, settings_of


def test_errors_cross_processes():
    error = SettingError("a.b", 3, "1 or 2")
    back = pickle.loads(pickle.dumps(error))
    assert str(back) == str(error) == "a.b: expected 1 or 2. Received: 3"
    assert (back.setting, back.received, back.accepted) == ("a.b", 3, "1 or 2")


def test_a_part_of_the_config_is_named():
    said = r"^model\.levels: expected 1 to 13\. Received: \(99,\)$"
    with pytest.raises(SettingError, match=said), settings_of("model"):
        raise SettingError("levels", (99,), "1 to 13")


@pytest.mark.parametrize(
    ("received", "shown"),
    [
        ("", "''"),
        ("a\nb", r"'a\nb'"),
        (np.eye(2), "array([[1., 0.], [0., 1.]])"),
        ("/" + "x" * 1000 + ".npz", f"'/{'x' * 198} ... {'x' * 195}.npz'"),
    ],
)
def test_a_received_value_is_the_end_of_its_line(received, shown):
    assert str(SettingError("a", received, "b")) == f"a: expected b. Received: {shown}"


def test_sentences_end_once():
    for accepted in ("b.", "a, b, ...", "b?"):
        text = str(SettingError("a", 1, accepted))
        assert text == f"a: expected {accepted} Received: 1"
    lines = SettingError("a", 1, "b; the end of the log:\nno")
    assert str(lines) == "a: expected b; the end of the log:\nno\nReceived: 1"
