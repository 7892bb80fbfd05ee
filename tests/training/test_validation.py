import keras
import numpy as np
import pytest

from ltpa_tf.training.network import local_variables
from ltpa_tf.training.trainer import Trainer


@pytest.mark.parametrize(
    ("replicas", "synchronized"), [(1, False), (2, False), (2, True)]
)
def test_statistics_for_averaged_weights_are_those_of_training_batches(
    config, source, strategies, replicas, synchronized
):
    def build(config, source):
        images = keras.Input(source.image_shape)
        x = keras.layers.Normalization(axis=-1, mean=[100.0] * 3, variance=[9.0] * 3)(
            images
        )
        x = keras.layers.BatchNormalization(name="frozen", trainable=False)(x)
        x = keras.layers.Conv2D(2, 1, name="conv")(x)
        x = keras.layers.BatchNormalization(momentum=0.9, name="norm")(x)
        x = keras.layers.GlobalAveragePooling2D()(x)
        return keras.Model(images, keras.layers.Dense(3)(x))

    config.train.ema = 0.9
    config.train.sync_batch_norm = synchronized
    parts = Trainer(config, strategies[replicas], source, build)
    parts.program.train(parts.feed.iterator(0), 0, 3)
    parts.settle()
    parts.settle()  # the same batches again
    weights, local = parts.state.evaluation_arrays()
    found = {
        variable.path: value
        for variable, value in zip(local_variables(parts.model), local, strict=True)
    }
    kernel, bias = weights[0].reshape(3, 2), weights[1]
    frozen = 1 / np.sqrt(1 + 1e-3)

    means, variances = [], []
    iterator = Trainer(config, strategies[1], source, build).feed.iterator(0)
    for _ in range(70 // 16):
        images, _ = next(iterator)
        # Each replica has its own statistics, unless they are synchronized.
        shares = 1 if synchronized else replicas
        for part in np.split(images.numpy().astype(np.float64), shares):
            x = (part - 100) / 3 * frozen @ kernel + bias
            means.append(x.mean((0, 1, 2)))
            variances.append(x.var((0, 1, 2)))
    np.testing.assert_allclose(
        found["norm/moving_mean"], np.mean(means, 0), rtol=1e-4, atol=1e-4
    )
    np.testing.assert_allclose(
        found["norm/moving_variance"], np.mean(variances, 0), rtol=1e-4
    )
    np.testing.assert_array_equal(found["frozen/moving_mean"], np.zeros(3))
    np.testing.assert_array_equal(found["frozen/moving_variance"], np.ones(3))
