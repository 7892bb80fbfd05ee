"""TensorFlow's errors from running a graph, as sentences for the user."""

import re


def sentence(message: str) -> str:
    """The error's last line of text, without node names and marks of an assertion."""
    text = re.sub(r"{{function_node .*?}}|\[Op:.*?\]", "", message)
    text = text.partition("\n\t [[")[0].strip().rpartition("\n")[2]
    text = text.rpartition("assertion failed: ")[2].strip()
    return text.replace("[", "", 1).replace("]", "", 1) if text[:1] == "[" else text
