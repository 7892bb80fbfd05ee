"""Errors as TensorFlow and TensorFlow Serving word them, down to their sentence."""

import pytest

from ltpa_tf.serving.sentences import sentence


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (
            "{{function_node __inference_f_205}} assertion failed: [at most 9 pixels; "
            "this one has] [60 60]\n\t [[{{node Assert}}]] [Op:__inference_f_205]",
            "at most 9 pixels; this one has [60 60]",
        ),
        (
            "Graph execution error:\n\nDetected at node map/while/Decode defined at "
            "(most recent call last):\n<stack traces unavailable>\nInvalid JPEG data, "
            "size 20\n\t [[{{node map/while/DecodeJpeg}}]] [Op:__inference_f_25]",
            "Invalid JPEG data, size 20",
        ),
        ("a plain sentence", "a plain sentence"),
        ("", ""),
    ],
)
def test_sentence(message, expected):
    assert sentence(message) == expected
