"""Names that no TensorFlow graph can have are told before any work."""

import keras
import numpy as np
import pytest

from ltpa_tf import data, evaluation, models
from ltpa_tf.errors import SettingError
from ltpa_tf.serving.signatures import Signatures


def backbone(name="conv", inner="pool", head="head", model="net"):
    image = keras.Input((32, 32, 3), name="an image")  # of which no scope is made
    x = keras.layers.Conv2D(4, 3, strides=4, name=name)(image)
    block = keras.Input(x.shape[1:])
    x = keras.Model(block, keras.layers.ReLU(name=inner)(block))(x)
    return keras.Model(image, keras.layers.Flatten(name=head)(x), name=model)


@pytest.mark.parametrize(
    ("names", "told"),
    [
        ({"name": "conv 1"}, "backbone: .*renames one.*a layer named 'conv 1'"),
        ({"inner": "größe"}, "backbone: .*letters.*a layer named 'größe'"),
        ({"model": "my net"}, "backbone: .*a model named 'attention_my net'"),
    ],
)
def test_attach_refuses_what_could_not_be_trained(names, told):
    with pytest.raises(SettingError, match=told):
        models.attach(backbone(**names), 2, preprocessing="none")


def test_what_is_left_out_may_be_called_anything():
    found = models.attach(backbone(head="a head"), 2, preprocessing="none")
    assert found.predict(np.zeros((1, 32, 32, 3)), verbose=0).shape == (1, 2)


def test_a_layer_can_be_renamed_as_the_message_says():
    network = backbone("conv 1")
    network.get_layer("conv 1").name = "conv_1"
    found = models.attach(network, 2, preprocessing="none")
    assert found.predict(np.zeros((1, 32, 32, 3)), verbose=0).shape == (1, 2)


def test_so_do_exports_and_evaluation():
    network = backbone("conv 1", model="my_net")
    model = keras.Model(network.input, keras.layers.Dense(2)(network.output))
    with pytest.raises(SettingError, match="model: .*'conv 1'"):
        Signatures(model, ["cat", "dog"])
    split = data.array_split(np.zeros((2, 32, 32, 3), np.uint8), np.array([0, 1]))
    with pytest.raises(SettingError, match="model: .*'conv 1'"):
        evaluation.evaluate(model, split, ["cat", "dog"])
