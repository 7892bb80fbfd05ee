"""The paper as Keras layers, on any Keras backend.

Notation of "Learn to Pay Attention" (Jetley et al., ICLR 2018), section 3: local
features `l_i` at n = H * W positions of a level, one global feature `g` per image,
compatibility scores `c_i`, attention map `a`, attended descriptor `g_a`.

Every tensor of this package is channels-last. Scores, maps, and logits are float32
under every dtype policy. `keras.models.load_model` knows all layers
once this package is imported.
"""

# First: as Keras is imported, ltpa_tf.registration imports what is built from here.
import keras  # noqa: F401

from ltpa_tf.layers.compatibility import (
    COMPATIBILITIES,
    AdditiveCompatibility,
    Compatibility,
    DotProductCompatibility,
    LocalCompatibility,
    ParametrisedCompatibility,
)
from ltpa_tf.layers.estimator import AttentionEstimator
from ltpa_tf.layers.gate import Gate
from ltpa_tf.layers.glimpse import GlimpseSensor
from ltpa_tf.layers.hard import HardPooling, SampledPooling, TopKPooling
from ltpa_tf.layers.heads import HEADS, ConcatHead, IndepHead
from ltpa_tf.layers.initializers import PartialIdentity
from ltpa_tf.layers.matching import ChannelMatching
from ltpa_tf.layers.normalizations import NORMALIZATIONS
from ltpa_tf.layers.padding import ReflectionPadding
from ltpa_tf.layers.pixels import PixelScaling
from ltpa_tf.layers.pooling import AttentionPooling, SigmoidPooling, SoftmaxPooling
from ltpa_tf.layers.preactivation import Preactivation
from ltpa_tf.layers.recurrent import PathsHead, RecurrentGlimpses
from ltpa_tf.layers.softening import Softening
from ltpa_tf.layers.whitening import Whitening

__all__ = [
    "COMPATIBILITIES",
    "HEADS",
    "NORMALIZATIONS",
    "AdditiveCompatibility",
    "AttentionEstimator",
    "AttentionPooling",
    "ChannelMatching",
    "Compatibility",
    "ConcatHead",
    "DotProductCompatibility",
    "Gate",
    "GlimpseSensor",
    "HardPooling",
    "IndepHead",
    "LocalCompatibility",
    "ParametrisedCompatibility",
    "PartialIdentity",
    "PathsHead",
    "PixelScaling",
    "Preactivation",
    "RecurrentGlimpses",
    "ReflectionPadding",
    "SampledPooling",
    "SigmoidPooling",
    "Softening",
    "SoftmaxPooling",
    "TopKPooling",
    "Whitening",
]
