import keras
import numpy as np
import pytest

from ltpa_tf import models
from ltpa_tf.errors import SettingError
from ltpa_tf.grid import Grid
from ltpa_tf.models.trunks import TRUNKS

SIZES = [
    (32, 32),
    (33, 47),
    (47, 47),
    (95, 95),
    (127, 127),
    (150, 150),
    (63, 65),
    (35, 101),
    (99, 34),
    (51, 129),
]


def passing_through(trunk, level, tap, size):
    """A model whose level's features are the bright pixels of the image, pooled."""
    model = models.build(
        "vgg_att_local",
        image_shape=(*size, 3),
        trunk=trunk,
        levels=(level,),
        tap=tap,
        width=1 / 64,
        batch_norm=False,
    )
    for layer in model.layers:
        if isinstance(layer, keras.layers.Conv2D):
            kernel = np.zeros(layer.kernel.shape, np.float32)
            kernel[1, 1, 0, 0] = 1
            layer.kernel.assign(kernel)
    features = model.get_layer(f"level_{level}").input
    features = features[0] if isinstance(features, list) else features
    return model, keras.Model(model.input, features)


@pytest.mark.parametrize("tap", ["before_pool", "after_pool"])
@pytest.mark.parametrize("trunk", TRUNKS)
def test_a_bright_patch_is_drawn_where_it_is(trunk, tap):
    level = TRUNKS[trunk].pools[2]  # the deepest that odd sizes leave some cells of
    side = 2 ** TRUNKS[trunk].pools_before(level, tap)
    # The whitening's first filter is one pixel of the two by two that it sees.
    off_centre = 0.5 if TRUNKS[trunk].quick else 0
    model, features = passing_through(trunk, level, tap, (None, None))
    for size in SIZES:
        cells = [n // side for n in size]
        cell = np.array(cells) - 1  # at the far end the error would be largest
        top, left = cell * side
        image = np.zeros((1, *size, 3), np.float32)
        image[0, top : top + side, left : left + side] = 255
        found = np.asarray(features(image))[0].max(-1)
        assert np.argwhere(found == found.max()).tolist() == [cell.tolist()]
        one_hot = (found == found.max()).astype(np.float32)

        grid = models.grids(model, size)[f"level_{level}"]
        middle = cell * side + (side - 1) / 2
        np.testing.assert_allclose(
            [at[i] for at, i in zip(grid.centres(cells), cell, strict=True)],
            middle + off_centre,
        )
        rows, columns = grid.interpolation(cells, size)
        drawn = rows @ one_hot @ columns.T
        assert drawn.shape == size
        y, x = np.argwhere(drawn == drawn.max())[0]  # the first of the highest pixels
        assert abs(y - middle[0]) <= 1
        assert abs(x - middle[1]) <= 1


def test_a_cell_sees_what_its_extent_says():
    # Any pixel of the receptive field changes the cell, none outside of it.
    model = models.build("vgg_att2_concat_pc", image_shape=(64, 64, 3), width=1 / 16)
    for layer in model.layers:
        if isinstance(layer, keras.layers.Conv2D):
            layer.kernel.assign(np.abs(layer.kernel) + 0.01)
    estimator = model.get_layer("level_10")
    features = keras.Model(model.input, estimator.input[0])
    grid = models.grids(model)["level_10"]
    cell = (16, 15)
    images = np.zeros((64, 64, 64, 3), np.float32)
    images[np.arange(64), np.arange(64)] = 255  # one bright row each
    seen = np.asarray(features(images))[:, cell[0], cell[1]].max(-1)
    seen = np.flatnonzero(seen > np.asarray(features(0 * images[:1])).max())
    centre = grid.offset[0] + cell[0] * grid.stride[0]
    assert seen[0] == centre - (grid.extent[0] - 1) / 2
    assert seen[-1] == centre + (grid.extent[0] - 1) / 2


def test_even_and_odd_sizes_of_same_padding_by_hand():
    # Kernel 3, stride 2: at 8 pixels one cell of padding comes behind, none before, so
    # the first cell sees pixels 0 to 2; at 9 there is one on each side: -1 to 1.
    image = keras.Input((None, None, 1))
    x = keras.layers.Conv2D(1, 3, strides=2, padding="same", name="conv")(image)
    x = keras.layers.ReLU(name="relu")(x)
    x = keras.layers.Conv2D(1, 3, dilation_rate=2, padding="same", name="wide")(x)
    x = keras.layers.ZeroPadding2D(((1, 0), (0, 2)), name="padded")(x)
    found = models.grids(keras.Model(image, x), (8, 9))
    assert found["conv"] == found["relu"] == Grid((1, 0), (2, 2), (3, 3))
    assert found["wide"] == Grid((1, 0), (2, 2), (11, 11))
    assert found["padded"] == Grid((-1, 0), (2, 2), (11, 11))


def test_branches_join_and_gates_do_not_count():
    image = keras.Input((16, 16, 4))
    gate = keras.layers.GlobalAveragePooling2D(keepdims=True)(image)
    gate = keras.layers.Conv2D(4, 1, activation="sigmoid")(gate)
    wide = keras.layers.Conv2D(4, 3, strides=2, padding="same")(image)
    narrow = keras.layers.Conv2D(4, 1, strides=2)(image)
    x = keras.layers.Add()([wide, keras.layers.Multiply(name="gated")([narrow, gate])])
    inner = keras.Sequential([keras.layers.MaxPooling2D(name="inside")], name="inner")
    again = keras.Model(image, inner(keras.layers.ReLU(name="sum")(x)))
    outer = keras.Input((16, 16, 4))
    model = keras.Model(outer, keras.layers.Identity(name="end")(again(outer)))
    found = models.grids(model)
    assert found["gated"] == Grid((0, 0), (2, 2))
    # One branch sees pixels 0 to 2, the other 0.
    assert found["sum"] == Grid((0.5, 0.5), (2, 2), (3, 3))
    assert found["inside"] == found["end"] == Grid((1.5, 1.5), (4, 4), (5, 5))


def test_resized_images_are_measured_in_their_own_pixels():
    image = keras.Input((64, 32, 3))
    x = keras.layers.Resizing(32, 32, name="resized")(image)
    model = keras.Model(image, keras.layers.AveragePooling2D(4, name="pooled")(x))
    assert models.grids(model)["pooled"].stride == (8, 4)
    assert models.grids(model)["pooled"].offset == (3.5, 1.5)


class Block(keras.layers.Layer):
    """A residual block as others write it: layers in a layer, with no graph."""

    def __init__(self, stride, **kwargs):
        super().__init__(**kwargs)
        self.kernel_size, self.stride = 3, stride  # not those of a convolution
        self.pad = keras.layers.ZeroPadding2D(1)
        self.conv = keras.layers.Conv2D(4, 3, strides=stride)
        self.skip = keras.layers.Conv2D(4, 1, strides=stride)
        self.gate = keras.layers.Dense(4, activation="sigmoid")

    def call(self, images):
        x = self.conv(self.pad(images))
        x = x * self.gate(keras.ops.mean(x, axis=(1, 2), keepdims=True))
        return x + self.skip(images)


@pytest.mark.parametrize("size", [(32, 32), (33, 47)])
def test_layers_in_a_layer_count_as_in_the_graph(size):
    images = keras.Input((*size, 3))
    x = Block(1, name="fine")(images)
    found = models.grids(keras.Model(images, Block(2, name="coarse")(x)))
    # 3x3 and zeros at each side: a cell sees itself and one more to each side.
    assert found["fine"] == Grid((0.0, 0.0), (1.0, 1.0), (3.0, 3.0))
    assert found["coarse"] == Grid((0.0, 0.0), (2.0, 2.0), (5.0, 5.0))
    assert set(found) == {"fine", "coarse"}


@pytest.mark.parametrize(("size", "off"), [(512, 15.5), (513, -15.5)])
def test_a_strided_backbone_looks_beside_the_middle_of_its_squares(size, off):
    model = keras.applications.MobileNetV2(
        input_shape=(size, size, 3), include_top=False, weights=None, alpha=0.35
    )
    grid = models.grids(model)["out_relu"]
    assert grid.offset == (off + 15.5, off + 15.5)
    assert grid.stride == (32, 32)


@pytest.mark.parametrize(
    ("layer", "said"),
    [
        (keras.layers.Conv2DTranspose(1, 2, strides=2, name="up"), "'up'"),
        (keras.layers.Conv2D(1, 3, data_format="channels_first"), "channels last"),
        (keras.layers.Lambda(lambda x: x[:, ::2], name="every_second"), "every_second"),
    ],
)
def test_what_moves_cells_unknown_is_refused(layer, said):
    image = keras.Input((16, 16, 3))
    model = keras.Model(image, layer(image))
    with pytest.raises(SettingError, match=said):
        models.grids(model)


def test_images_of_any_size_need_one():
    model = models.build("vgg_att_pc", image_shape=(None, None, 3), width=1 / 16)
    with pytest.raises(SettingError, match="any size"):
        models.grids(model)
    assert models.grids(model, (64, 96))["level_13"].stride == (4, 4)
