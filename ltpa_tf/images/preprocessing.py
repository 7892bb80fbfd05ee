"""The settings of preprocessing: how a file becomes the model's input."""

import dataclasses
from collections.abc import Mapping, Sequence

from ltpa_tf.errors import SettingError
from ltpa_tf.words import one_of

ASPECTS = {
    "squash": "stretched to the input size whatever their shape",
    "pad": "as large as they fit, in the middle between borders",
    "crop": "cut to the input's shape around their middle",
}
"""What can be done with images of another shape."""


@dataclasses.dataclass(frozen=True)
class Preprocessing:
    """The same in training and in serving.

    Attributes:
        aspect: How an image of another shape gets the model's: "squash" stretches it,
            "pad" fits all of it in, between borders of `background`, "crop" takes the
            largest part from its middle.
        background: (red, green, blue), 0 to 255, what transparent images lie on.
        window: (low, high), the values of 16-bit files that become 0 and 255, as
            radiology has it; () is (0, 65535). See `eight_bits`.

    Raises:
        SettingError: Naming the attribute that can't be used.

    Example:
        >>> images.Preprocessing(aspect="pad").in_words()
        'as large as they fit, in the middle between borders'
    """

    aspect: str = "squash"
    background: tuple[int, ...] = (255, 255, 255)
    window: tuple[int, ...] = ()

    def __post_init__(self):
        for name in ("background", "window"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        if self.aspect not in ASPECTS:
            raise SettingError("aspect", self.aspect, one_of(ASPECTS))
        if len(self.background) != 3 or not _whole(self.background, 255):
            raise SettingError(
                "background", self.background, "red, green, blue, each 0 to 255"
            )
        rising = len(self.window) == 2 and self.window[0] < self.window[1]
        if self.window and not (rising and _whole(self.window, 65535)):
            raise SettingError(
                "window", self.window, "() or low, high with 0 <= low < high <= 65535"
            )

    @property
    def limits(self) -> tuple[int, int]:
        """The window, also where none is set."""
        return self.window or (0, 65535)

    def in_words(self) -> str:
        """What is done with images of another shape: "they are ..."."""
        return ASPECTS[self.aspect]

    def to_dict(self) -> dict:
        """As JSON takes it."""
        return {
            k: list(v) if isinstance(v, tuple) else v for k, v in vars(self).items()
        }

    @classmethod
    def of(cls, settings: Mapping) -> "Preprocessing":
        """Of a mapping with more or fewer keys; what it lacks has its default."""
        names = [field.name for field in dataclasses.fields(cls)]
        return cls(**{name: settings[name] for name in names if name in settings})


def _whole(values: Sequence, most: int) -> bool:
    return all(type(value) is int and 0 <= value <= most for value in values)


DEFAULT = Preprocessing()
"""What holds where nothing was chosen."""
