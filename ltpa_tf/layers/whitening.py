"""A whitening convolution, fixed: it decorrelates the values of 2x2 patches."""

import keras
import numpy as np

from ltpa_tf.errors import SettingError

_SIZE = 2
# Added to the variances, so that noise is not blown up to the size of the picture.
_EPSILON = 5e-4


@keras.saving.register_keras_serializable(package="ltpa_tf")
class Whitening(keras.layers.Layer):
    """A fixed 2x2 convolution whose outputs are uncorrelated and of equal size.

    Neighbouring pixels are nearly equal, so their differences, where edges are, are
    small and a network learns to use them late. The filters are the eigenvectors of
    the covariance of the training images' 2x2 patches, each divided by the square root
    of its eigenvalue, and the same with the other sign, for the activation that follows
    (https://arxiv.org/abs/2404.00498, section 3.2). They are not trained.

    Until `adapt` has seen images, the filters are the patch's pixels themselves.

    Call arguments:
        images: `[B, H, W, C]`, normalized.

    Output:
        `[B, H, W, 8 C]`, in the policy's compute dtype.

    Example:
        >>> whitening = layers.Whitening()
        >>> whitening.adapt(np.random.default_rng(0).normal(size=(100, 32, 32, 3)))
        >>> whitening(np.zeros((1, 32, 32, 3))).shape
        TensorShape([1, 32, 32, 24])
    """

    # What `models.grids` asks of a convolution.
    kernel_size = (_SIZE, _SIZE)
    strides = (1, 1)
    padding = "same"

    def build(self, images_shape):
        self.channels = images_shape[-1]
        inputs = _SIZE**2 * self.channels
        self.kernel = self.add_weight(
            name="kernel",
            shape=(_SIZE, _SIZE, self.channels, 2 * inputs),
            initializer=lambda shape, dtype: _kernel(np.eye(inputs), shape, dtype),
            trainable=False,
        )
        super().build(images_shape)

    def adapt(self, images: np.ndarray) -> None:
        """Makes the filters for images like these: float `[N, H, W, C]`, normalized.

        Raises:
            SettingError: If they have other channels than the layer was built for.
        """
        if not self.built:
            self.build(images.shape)
        if images.shape[-1] != self.channels:
            raise SettingError(
                "images", images.shape, f"a shape [N, H, W, {self.channels}]"
            )
        height, width = (size - _SIZE + 1 for size in images.shape[1:3])
        patches = np.concatenate(
            [
                images[:, y : y + height, x : x + width]
                for y in range(_SIZE)
                for x in range(_SIZE)
            ],
            axis=-1,
        ).reshape(-1, _SIZE**2 * self.channels)
        patches = patches.astype("float64")
        variances, vectors = np.linalg.eigh(patches.T @ patches / len(patches))
        filters = vectors / np.sqrt(variances + _EPSILON)
        self.kernel.assign(_kernel(filters, self.kernel.shape, self.kernel.dtype))

    def call(self, images):
        return keras.ops.conv(
            images, self.kernel, padding=self.padding, data_format="channels_last"
        )

    def compute_output_shape(self, images_shape):
        return (*images_shape[:-1], 2 * _SIZE**2 * images_shape[-1])

    def get_config(self) -> dict:
        """The constructor's arguments; by itself Keras writes no policy among them."""
        return super().get_config()


def _kernel(filters, shape, dtype):
    """The kernel of filters, which are columns over (y, x, channel); and negated."""
    both = np.concatenate([filters, -filters], axis=1)
    return keras.ops.convert_to_tensor(both.reshape(shape), dtype)
