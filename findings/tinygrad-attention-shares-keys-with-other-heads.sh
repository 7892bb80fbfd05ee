#!/usr/bin/env bash
# tinygrad's OnnxRunner gives each query head of ONNX's Attention the wrong key head where
# there are fewer of the latter (grouped-query attention): heads 0, 1, 2, 3 read the keys 0, 1,
# 0, 1 instead of 0, 0, 1, 1.
#
# Why it matters: the shapes fit, one key head for all is right and so is one for each, so that
# a small test passes. A model that was exported with grouped heads answers something else.
#
# Versions: tinygrad 0.14.0 (DEV=PYTHON, without a compiler), onnx 1.23.2, onnxruntime 1.32.0,
#   numpy 2.3.5.
# Expected: each key head repeated for the query heads beside each other, as by ONNX's
#   reference and onnxruntime.
# Seen: the same to 1e-6 for 4 key heads and for 1; 1.6 and 1.7 off for 2 of 4 and of 8, and
#   equal to what numpy gives if the key heads are tiled.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile tinygrad==0.14.0 onnx==1.23.2 \
  onnxruntime==1.32.0 numpy==2.3.5
cd "$folder"
DEV=PYTHON venv/bin/python - 2>log <<'PYTHON' || { cat log; exit 1; }
import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator
from tinygrad import Tensor
from tinygrad.nn.onnx import OnnxRunner

rng = np.random.default_rng(0)
POSITIONS, SIZE = 5, 4


def saved(heads, key_heads):
    def values(name, number):
        shape = [1, number, POSITIONS, SIZE]
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)

    inputs = [values("q", heads), values("k", key_heads), values("v", key_heads)]
    node = helper.make_node("Attention", ["q", "k", "v"], ["y"])
    graph = helper.make_graph([node], "graph", inputs, [values("y", heads)])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 23)], ir_version=10)
    onnx.save(model, "model.onnx")
    return model


def attention(q, k, v):
    scores = q @ k.swapaxes(2, 3) / np.sqrt(SIZE)
    weights = np.exp(scores - scores.max(-1, keepdims=True))
    return weights / weights.sum(-1, keepdims=True) @ v


for heads, key_heads in (4, 4), (4, 1), (4, 2), (8, 2):
    model = saved(heads, key_heads)
    q, k, v = (
        rng.normal(size=(1, number, POSITIONS, SIZE)).astype("float32")
        for number in (heads, key_heads, key_heads)
    )
    feeds = {"q": q, "k": k, "v": v}
    (reference,) = ReferenceEvaluator(model).run(None, feeds)
    (runtime,) = onnxruntime.InferenceSession("model.onnx").run(None, feeds)
    tensors = {name: Tensor(array) for name, array in feeds.items()}
    (found,) = OnnxRunner("model.onnx")(tensors).values()
    times = heads // key_heads
    repeated = attention(q, np.repeat(k, times, 1), np.repeat(v, times, 1))
    tiled = attention(q, np.tile(k, (1, times, 1, 1)), np.tile(v, (1, times, 1, 1)))
    off = np.abs(found.numpy() - repeated).max()
    print(f"{heads} heads, {key_heads} of keys: off by {off:.2g}")
    assert np.allclose(reference, repeated, atol=1e-5)
    assert np.allclose(runtime, repeated, atol=1e-5)
    assert np.allclose(found.numpy(), tiled, atol=1e-5)
    assert (off > 1) == (key_heads == 2)
print("seen: the key heads are tiled")
PYTHON
