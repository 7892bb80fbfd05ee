"""Image files: which files are images, and what a model sees of them.

One way for training, evaluation and serving, so that the model gets what a person sees
in a viewer: turned as EXIF says, transparent parts on a background, the first picture
of a camera's two, CMYK as colours, 16 bits as 8. `docs/images.md` lists every kind.
"""

from ltpa_tf.images.kinds import REFUSED_SUFFIXES, SUFFIXES, BadImage, kind_of
from ltpa_tf.images.preprocessing import ASPECTS, DEFAULT, Preprocessing

__all__ = [
    "ASPECTS",
    "DEFAULT",
    "REFUSED_SUFFIXES",
    "SUFFIXES",
    "BadImage",
    "Preprocessing",
    "kind_of",
]
