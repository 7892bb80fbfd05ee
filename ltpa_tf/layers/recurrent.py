"""Hard attention as cropping: glimpses of an image, one after the other.

"Recurrent Models of Visual Attention" (Mnih et al., 2014, arXiv 1406.6247). Locations
are as in `layers.glimpse`.
"""

import math

import keras
import numpy as np

from ltpa_tf.errors import SettingError
from ltpa_tf.layers.glimpse import GlimpseSensor, is_whole
from ltpa_tf.words import one_of

_REGISTER = keras.saving.register_keras_serializable(package="ltpa_tf")
POLICIES = ("learned", "centre", "random")
# Noise of the paths that are averaged in evaluation: a constant of the layer.
_EVALUATION_SEED = 20140624


@_REGISTER
class RecurrentGlimpses(keras.layers.Layer):
    """Looks at an image in T glimpses, and chooses where to look next.

        g_t = relu(W relu(W_p sensor(x, l_t)) + V relu(W_l l_t))    glimpse network
        h_t = relu(W_h h_(t-1) + W_g g_t)                           core
        l_(t+1) ~ Normal(tanh(W_m h_t), std^2)                      location network
        b_t = <w_b, h_t>                                            baseline

    (Section 4; layer sizes are the paper's: 128, 256 and 256.) As in most
    implementations, and unlike the paper's equation, the core doesn't learn from the
    location network and the baseline. The first glimpse is at the centre. A location is
    drawn while training; otherwise it is the most probable, or, with `paths` above 1,
    so many fixed draws of the noise are followed, the same for every image.

    Args:
        glimpses: T.
        glimpse_size: See `GlimpseSensor`.
        scales: Likewise.
        location_std: Of the locations that are drawn.
        policy: `"learned"`; or, to compare with, `"centre"`, always, and `"random"`,
            anywhere.
        paths: How many evaluation follows for each image.
        width: Multiplies the layers' sizes.
        **kwargs: As for every Keras layer.

    Call arguments:
        images: `[B, H, W, C]`.
        training: Whether locations are drawn anew.
        samples: S, paths for each image while training, one by default; the output
            then has a third part, the `choice`, see `layers.choices`.

    Output:
        The core's last state `h_T`, `[B * S, 256]` in the policy's compute dtype, the
        S paths of an image one after the other, and locations, float32
        `[B * S, T, 2]`.

    Example:
        >>> looking = layers.RecurrentGlimpses(glimpses=4, glimpse_size=8)
        >>> state, locations = looking(np.ones((2, 60, 60, 1)))
        >>> state.shape, locations.shape
        (TensorShape([2, 256]), TensorShape([2, 4, 2]))
    """

    def __init__(
        self,
        glimpses: int = 8,
        glimpse_size: int = 12,
        scales: int = 3,
        location_std: float = 0.1,
        policy: str = "learned",
        paths: int = 1,
        width: float = 1.0,
        **kwargs,
    ):
        super().__init__(autocast=False, **kwargs)
        check_path(glimpses, location_std, policy, paths, width)
        self.glimpses, self.location_std, self.policy = glimpses, location_std, policy
        self.paths, self.width = paths, width
        dtype_policy = self.dtype_policy
        self.sensor = GlimpseSensor(
            glimpse_size, scales, name="sensor", dtype=dtype_policy
        )
        small, large = (max(1, round(n * width)) for n in (128, 256))
        self.units = large

        def dense(units, name, activation=None, dtype=dtype_policy, bias=True, **more):
            return keras.layers.Dense(
                units, activation, bias, name=name, dtype=dtype, **more
            )

        self.what = dense(small, "what", "relu")
        self.where = dense(small, "where", "relu")
        self.from_what = dense(large, "from_what")
        self.from_where = dense(large, "from_where", bias=False)
        self.recurrent = dense(large, "recurrent", kernel_initializer="identity")
        self.into_core = dense(large, "into_core", bias=False)
        if self.chooses:
            # From the centre on: noise would lead a random one into a corner, where
            # tanh has no gradient any more.
            zeros = {"dtype": "float32", "kernel_initializer": "zeros"}
            self.next = dense(2, "next", "tanh", **zeros)
            self.expected = dense(1, "baseline", **zeros)
        self.noise = keras.random.SeedGenerator()

    @property
    def chooses(self) -> bool:
        """Whether its locations learn from rewards."""
        return self.policy == "learned" and self.glimpses > 1

    def build(self, images_shape):
        self.sensor.build(images_shape)
        small, large = self.what.units, self.units
        cells = self.sensor.glimpse_size**2 * self.sensor.scales * images_shape[-1]
        for layer, inputs in (
            (self.what, cells),
            (self.where, 2),
            (self.from_what, small),
            (self.from_where, small),
            (self.recurrent, large),
            (self.into_core, large),
            *([(self.next, large), (self.expected, large)] if self.chooses else ()),
        ):
            layer.build((None, inputs))
        super().build(images_shape)

    def call(self, images, training=None, samples=None):
        drawn = training or samples is not None
        paths = (samples or 1) if drawn else self.paths
        batch = keras.ops.shape(images)[0]
        noise = self._noise(batch, paths, drawn)
        location = keras.ops.zeros((batch, paths, 2), "float32")
        state = keras.ops.zeros((batch, paths, self.units), self.compute_dtype)
        locations, logs, baselines = [], [], []
        for t in range(self.glimpses):
            if t > 0:
                location, log = self._next(state, noise[:, :, t - 1])
                logs.append(log)
                baselines.append(self._expected_reward(state))
            elif self.policy == "random":
                location = noise[:, :, -1]
            locations.append(location)
            state = self._look(images, location, state)
        outputs = (
            keras.ops.reshape(state, (-1, self.units)),
            keras.ops.reshape(
                keras.ops.stack(locations, axis=2), (-1, self.glimpses, 2)
            ),
        )
        if samples is None or not self.chooses:
            return outputs
        logs = keras.ops.stack(logs, axis=-1)
        entropy = 1 + math.log(2 * math.pi * self.location_std**2)
        choice = {
            "log_probability": logs,
            "baseline": keras.ops.stack(baselines, axis=-1),
            "entropy": keras.ops.full_like(logs, entropy),
        }
        return *outputs, choice

    def _noise(self, batch, paths, drawn):
        """`[B, S, T, 2]`: normal, or of the random policy uniform in -1..1."""
        shape = (paths, self.glimpses, 2)
        uniform = self.policy == "random"
        if drawn:
            kind = keras.random.uniform if uniform else keras.random.normal
            noise = kind((batch, *shape), dtype="float32", seed=self.noise)
            return 2 * noise - 1 if uniform else noise
        fixed = np.random.RandomState(_EVALUATION_SEED)
        if uniform:
            fixed = fixed.uniform(-1, 1, shape)
        else:
            fixed = fixed.normal(size=shape) * (paths > 1)
        fixed = keras.ops.convert_to_tensor(fixed[None], "float32")
        return keras.ops.broadcast_to(fixed, (batch, *shape))

    def _next(self, state, noise):
        """Where to look next, and the logarithm of its density."""
        if self.policy == "random":
            return noise, None
        if self.policy == "centre":
            return keras.ops.zeros_like(noise), None
        mean = self.next(keras.ops.stop_gradient(keras.ops.cast(state, "float32")))
        location = keras.ops.stop_gradient(mean + self.location_std * noise)
        square = keras.ops.sum(
            keras.ops.square((location - mean) / self.location_std), -1
        )
        log = -square / 2 - math.log(2 * math.pi * self.location_std**2)
        return keras.ops.clip(location, -1.0, 1.0), log

    def _expected_reward(self, state):
        if not self.chooses:
            return None
        known = keras.ops.stop_gradient(keras.ops.cast(state, "float32"))
        return self.expected(keras.ops.normalize(known))[..., 0]

    def _look(self, images, location, state):
        patches = self.sensor(images, location)
        paths = keras.ops.shape(location)[1]
        cells = self.what.kernel.shape[0]
        what = self.what(keras.ops.reshape(patches, (-1, paths, cells)))
        where = self.where(keras.ops.cast(location, self.compute_dtype))
        glimpse = keras.ops.relu(self.from_what(what) + self.from_where(where))
        return keras.ops.relu(self.recurrent(state) + self.into_core(glimpse))

    def compute_output_shape(self, images_shape, samples=None):
        batch = images_shape[0]
        rows = None if batch is None else batch * (samples or self.paths)
        return (rows, self.units), (rows, self.glimpses, 2)

    def compute_output_spec(self, images, training=None, samples=None):
        state, locations = self.compute_output_shape(images.shape, samples)
        outputs = (
            keras.KerasTensor(state, self.compute_dtype),
            keras.KerasTensor(locations, "float32"),
        )
        if samples is None or not self.chooses:
            return outputs
        names = ("log_probability", "baseline", "entropy")
        shape = (images.shape[0], samples, self.glimpses - 1)
        return *outputs, {name: keras.KerasTensor(shape, "float32") for name in names}

    def get_config(self):
        return {
            **super().get_config(),
            "glimpses": self.glimpses,
            "glimpse_size": self.sensor.glimpse_size,
            "scales": self.sensor.scales,
            "location_std": self.location_std,
            "policy": self.policy,
            "paths": self.paths,
            "width": self.width,
        }


@_REGISTER
class PathsHead(keras.layers.Layer):
    """A linear layer; in evaluation the probabilities of an image's paths averaged.

    Args:
        num_classes: Number of classes.
        paths: Of an image, in evaluation.
        **kwargs: As for every Keras layer.

    Call arguments:
        features: `[B * S, C]`, the paths of an image one after the other.
        training: Whether to leave the paths apart.

    Output:
        float32 logits: `[B * S, K]` in training, otherwise `[B, K]`, with several paths
        log-probabilities.

    Example:
        >>> head = layers.PathsHead(num_classes=10, paths=3)
        >>> head(np.ones((6, 256))).shape, head(np.ones((6, 256)), training=True).shape
        (TensorShape([2, 10]), TensorShape([6, 10]))
    """

    def __init__(self, num_classes: int, paths: int = 1, **kwargs):
        super().__init__(autocast=False, **kwargs)
        self.num_classes, self.paths = num_classes, paths
        self.linear = keras.layers.Dense(num_classes, name="linear", dtype="float32")

    def build(self, features_shape):
        self.linear.build((None, features_shape[-1]))
        super().build(features_shape)

    def call(self, features, training=None):
        logits = self.linear(keras.ops.cast(features, "float32"))
        if training or self.paths == 1:
            return logits
        logs = keras.ops.log_softmax(logits)
        logs = keras.ops.reshape(logs, (-1, self.paths, self.num_classes))
        return keras.ops.logsumexp(logs, axis=1) - math.log(self.paths)

    def compute_output_shape(self, features_shape):
        rows = features_shape[0]
        return (rows and rows // self.paths, self.num_classes)

    def compute_output_spec(self, features, training=None):
        return keras.KerasTensor(self.compute_output_shape(features.shape), "float32")

    def get_config(self):
        return {
            **super().get_config(),
            "num_classes": self.num_classes,
            "paths": self.paths,
        }


def check_path(glimpses, location_std, policy, paths, width) -> None:
    """Refuses what `RecurrentGlimpses` can't be made of.

    Raises:
        SettingError: Naming the first of them.
    """
    for name, value in (("glimpses", glimpses), ("paths", paths)):
        if not is_whole(value) or value < 1:
            raise SettingError(name, value, "a whole number from 1")
    for name, value in (("location_std", location_std), ("width", width)):
        if not 0 < value < math.inf:
            raise SettingError(name, value, "a number above 0")
    if policy not in POLICIES:
        raise SettingError("policy", policy, one_of(POLICIES))
