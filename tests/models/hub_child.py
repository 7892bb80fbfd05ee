"""Calls of `ltpa_tf.models` in a process that has its own `HF_...` variables.

It takes the calls as JSON, each with a token, and answers with what each gave:
predictions of a model, a text, or the sentence of an error.
"""

import json
import os
import sys

import numpy as np

from ltpa_tf import models
from ltpa_tf.errors import SettingError

IMAGES = np.random.default_rng(1).integers(0, 256, (2, 32, 32, 3)).astype("float32")


def answer(token, name, *arguments):
    os.environ["HF_TOKEN"] = token
    try:
        found = getattr(models, name)(*arguments)
    except SettingError as error:
        return str(error)
    return found if isinstance(found, str) else np.asarray(found(IMAGES)).tolist()


print(json.dumps([answer(*call) for call in json.loads(sys.argv[1])]))
