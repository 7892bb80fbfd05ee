"""Where the cells of every layer lie in the image, from the model's graph alone.

Follows the interval of pixels that a cell sees through kernels, strides, dilations and
paddings (Araujo et al., "Computing Receptive Fields of Convolutional Neural Networks",
Distill 2019). "Same" padding is not symmetric where a stride leaves something over, so
the interval depends on the image's size: a cell of the same layer may look half a
stride to one side at an even size and to the other at an odd one.

Where branches join that look at different places, the cell sees what any of them sees,
and its centre is the mean of theirs: what the gradient of a network gives whose
branches are equally strong.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import keras

from ltpa_tf.errors import SettingError
from ltpa_tf.grid import Grid
from ltpa_tf.layers.estimator import AttentionEstimator
from ltpa_tf.models.views import reapplied


@dataclass(frozen=True)
class _Axis:
    """One direction of a tensor of features.

    Attributes:
        cells: How many there are.
        first: Where the first cell's receptive field begins, in pixels.
        last: Where it ends; the same pixel if it sees one only.
        centre: Of what it sees.
        stride: Pixels from a cell to the next.
    """

    cells: int
    first: float
    last: float
    centre: float
    stride: float

    @classmethod
    def pixels(cls, count: int) -> "_Axis":
        """The image's own."""
        return cls(count, 0.0, 0.0, 0.0, 1.0)

    def window(self, size: int, stride: int, dilation: int, padding) -> "_Axis":
        """After a kernel or a pool; padding is "valid", "same" or cells put before."""
        reach = (size - 1) * dilation
        if padding == "same":
            cells = -(-self.cells // stride)
            before = max((cells - 1) * stride + reach + 1 - self.cells, 0) // 2
        else:
            cells = (self.cells - reach - 1) // stride + 1
            before = 0
        return _Axis(
            cells,
            self.first - before * self.stride,
            self.last + (reach - before) * self.stride,
            self.centre + (reach / 2 - before) * self.stride,
            self.stride * stride,
        )

    def moved(self, before: int, after: int) -> "_Axis":
        """After so many cells were put before and after; cut off if negative."""
        cells = self.cells + before + after
        return self._shifted(cells, -before * self.stride, self.stride)

    def resized(self, cells: int) -> "_Axis":
        """After a resize to so many cells that fill the same room."""
        times = self.cells / cells
        return self._shifted(cells, (times - 1) / 2 * self.stride, self.stride * times)

    def _shifted(self, cells: int, by: float, stride: float) -> "_Axis":
        return _Axis(cells, self.first + by, self.last + by, self.centre + by, stride)


def _joined(axes: Sequence[_Axis]) -> _Axis:
    """Of a sum or a concatenation."""
    return _Axis(
        axes[0].cells,
        min(axis.first for axis in axes),
        max(axis.last for axis in axes),
        sum(axis.centre for axis in axes) / len(axes),
        axes[0].stride,
    )


_Place = tuple[_Axis, _Axis]


def grids(model: keras.Model, size: tuple[int, int] | None = None) -> dict[str, Grid]:
    """The grid of each layer whose output has positions.

    Args:
        model: A functional model of one input, images `[B, H, W, C]`.
        size: `(H, W)` of the images; None: the model's own.

    Returns:
        Layer name -> grid of its output's cells; of an `AttentionEstimator` and of a
        global pool, of what it pools. Layers of models inside the model come under
        their own names.

    Raises:
        SettingError: If the model isn't of that form, the size isn't known, or a layer
            moves cells in a way that isn't known.

    Example:
        >>> model = models.build("vgg_att2_concat_pc", width=0.125)
        >>> grid = models.grids(model)["level_13"]
        >>> grid.offset, grid.stride  # in pixels, down and across
        ((1.5, 1.5), (4.0, 4.0))
    """
    shape = model.input_shape if len(getattr(model, "inputs", ())) == 1 else ()
    if len(shape) != 4:
        raise SettingError("model", model.name, "a functional model of one image")
    size = tuple(size or shape[1:3])
    if None in size:
        raise SettingError(
            "size", size, "height and width, as the model takes images of any size"
        )
    found: dict[str, Grid] = {}
    _follow(model, [tuple(map(_Axis.pixels, size))], found)
    return found


def _follow(
    model: keras.Model, starts: list[_Place | None], found: dict[str, Grid]
) -> list[_Place | None]:
    """Takes places from a model's inputs to its outputs, noting those on the way."""
    places: dict[int, _Place | None] = {}
    kept = []  # as long as they are, no other tensor gets their number

    def note(tensors, where):
        for tensor, place in zip(tensors, where, strict=True):
            kept.append(tensor)
            places[id(tensor)] = place

    def call(layer, *args, **kwargs):
        tensors = [x for x in keras.tree.flatten((args, kwargs)) if _is_symbolic(x)]
        if isinstance(layer, keras.Sequential):
            outputs = args[0]
            for inner in layer.layers:
                outputs = call(inner, outputs)
            return outputs
        outputs = layer(*args, **kwargs)
        flat = keras.tree.flatten(outputs)
        known = [(x, places[id(x)]) for x in tensors if places[id(x)] is not None]
        if isinstance(layer, AttentionEstimator):
            where = [None, *2 * [places[id(tensors[0])]]]
        elif isinstance(layer, keras.Model) and getattr(layer, "inputs", None):
            where = _follow(layer, [places[id(x)] for x in tensors], found)
        elif (inside := _inside(layer, args, kwargs)) is not None:
            where = _follow(inside, [places[id(x)] for x in tensors], {})
        else:
            where = [_after(layer, known, output) for output in flat]
        note(flat, where)
        pools = keras.layers.GlobalAveragePooling2D | keras.layers.GlobalMaxPooling2D
        if isinstance(layer, pools):
            place = known[0][1]
        else:
            place = next((place for place in where if place is not None), None)
        if place is not None:
            found.setdefault(layer.name, _grid(place))
        return outputs

    inputs = [keras.Input(batch_shape=x.shape, dtype=x.dtype) for x in model.inputs]
    note(inputs, starts)
    again = reapplied(model, call, inputs if len(inputs) > 1 else inputs[0])
    return [places[id(x)] for x in keras.tree.flatten(again.output)]


def _inside(layer, args: tuple, kwargs: dict) -> keras.Model | None:
    """The graph of a layer that is made of others, such as a block of KerasHub's.

    None of a layer of this package or of Keras, which `_after` knows, and of one that
    does more than to call layers.
    """
    known = type(layer).__module__.startswith(("keras.", "ltpa_tf."))
    if known or not list(layer._flatten_layers(include_self=False)):
        return None
    inputs = []

    def fresh(value):
        if not _is_symbolic(value):
            return value
        inputs.append(keras.Input(batch_shape=value.shape, dtype=value.dtype))
        return inputs[-1]

    args, kwargs = keras.tree.map_structure(fresh, (args, kwargs))
    try:
        outputs = layer.call(*args, **kwargs)
        return keras.Model(inputs if len(inputs) > 1 else inputs[0], outputs)
    except Exception:  # whatever its code does that has no symbols
        return None


def _is_symbolic(value) -> bool:
    return isinstance(value, keras.KerasTensor)


def _grid(place: _Place) -> Grid:
    return Grid(
        tuple(axis.centre for axis in place),
        tuple(axis.stride for axis in place),
        tuple(axis.last - axis.first + 1 for axis in place),
    )


def _after(layer, known: list, output) -> _Place | None:
    """The place of a layer's output; None where it has no positions."""
    if not known or len(output.shape) < 3:
        return None
    if len(known) == 1:
        tensor, place = known[0]
        window = _window(layer, tensor)
        if window is not None:
            return tuple(
                axis.window(*settings)
                for axis, settings in zip(place, window, strict=True)
            )
        moved = _moved(layer, place, output)
        if moved is not None:
            return moved
    # Cell by cell, or several joined cell by cell. What has no positions, such as a
    # global pool and all that follows it, may only gate the others.
    shape = _positions(output)
    kept = [place for tensor, place in known if _positions(tensor) == shape]
    if not kept:
        if shape == (1, 1) or len(output.shape) != 4:
            return None
        raise SettingError(
            "model",
            f"layer {layer.name!r} ({type(layer).__name__})",
            "layers whose effect on positions is known: convolutions, pools, paddings, "
            "croppings, resizing, and those that work cell by cell",
        )
    return tuple(_joined(axes) for axes in zip(*kept, strict=True))


def _positions(tensor) -> tuple:
    return tuple(tensor.shape[1:3])


def _window(layer, tensor):
    """(size, stride, dilation, padding) of each direction, of a kernel or a pool."""
    size = getattr(layer, "kernel_size", None) or getattr(layer, "pool_size", None)
    if size is None or len(tensor.shape) != 4:
        return None
    padding = getattr(layer, "padding", None)
    if (
        getattr(layer, "data_format", "channels_last") != "channels_last"
        or padding not in ("same", "valid")
        or "Transpose" in type(layer).__name__
    ):
        raise SettingError(
            "model",
            f"layer {layer.name!r} ({type(layer).__name__})",
            "convolutions and pools, channels last, padded 'same' or 'valid'",
        )
    each = (_pair(size), _pair(layer.strides), _pair(_dilation(layer)), 2 * [padding])
    return tuple(zip(*each, strict=True))


def _dilation(layer):
    return getattr(layer, "dilation_rate", None) or 1


def _pair(value) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else tuple(value)


def _moved(layer, place: _Place, output) -> _Place | None:
    """After a padding, a cropping or a resize; None for any other layer."""
    if isinstance(layer, keras.layers.ZeroPadding2D):
        sides = layer.padding
    elif isinstance(layer, keras.layers.Cropping2D):
        sides = [(-before, -after) for before, after in layer.cropping]
    elif isinstance(layer, keras.layers.UpSampling2D):
        times = _pair(layer.size)
        return tuple(
            axis.resized(axis.cells * n) for axis, n in zip(place, times, strict=True)
        )
    elif isinstance(layer, keras.layers.Resizing):
        if layer.crop_to_aspect_ratio or layer.pad_to_aspect_ratio:
            return None
        return tuple(
            axis.resized(n) for axis, n in zip(place, _positions(output), strict=True)
        )
    else:
        return None
    return tuple(axis.moved(*side) for axis, side in zip(place, sides, strict=True))
