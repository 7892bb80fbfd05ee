"""`load`: a data set by its name."""

from ltpa_tf.data import digits
from ltpa_tf.data.source import Source
from ltpa_tf.errors import SettingError


def load(
    name: str,
    *,
    dir: str = "",
    seed: int = 0,
    train_examples: int = 0,
    validation_examples: int = 0,
    image_size: int = 0,
    download: bool = False,
) -> Source:
    """Loads a data set.

    Raises:
        SettingError: When there is no such data set.
    """
    if name == "digits":
        return digits.load(seed, train_examples, validation_examples, image_size)
    raise SettingError("data.name", name, "digits")
