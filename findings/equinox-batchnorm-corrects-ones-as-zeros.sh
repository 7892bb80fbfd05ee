#!/usr/bin/env bash
# equinox.nn.BatchNorm(mode="batch") starts its running variance at one. For inference it
# divides it by 1 - momentum**steps, the correction of an average that started at zero: a rest
# of momentum**steps / (1 - momentum**steps) is added to the variance.
#
# Why it matters: with the momentum of 0.99 that is 99 after the first step, 0.58 after 100 and
# still 0.05 after 300, next to variances that are often a hundredth. Until then the model
# answers as if its features hardly varied, and validation looks broken while training is fine:
# fine-tuning on a few batches, few-shot learning, the first epochs of a small data set. The
# means are right, and a warning of the other mode advises to take this one.
#
# Versions: equinox 0.13.8, jax 0.10.2, numpy 2.3.5.
# Expected: the same batch at each step, so that the running statistics are those of the batch
#   and inference gives a deviation of 1, as does mode="ema".
# Seen: 0.01 after 1 step, 0.12 after 100, 0.37 after 300, 0.88 after 600, for a variance of
#   0.008.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile equinox==0.13.8 jax==0.10.2 numpy==2.3.5
cd "$folder"
venv/bin/python - 2>log <<'PYTHON' || { cat log; exit 1; }
import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

batch = np.random.default_rng(0).normal(3, 0.1, (64, 1)).astype("float32")
variance = batch.astype("float64").var()


def deviations(mode, counts):
    """The deviation and the mean of the batch in inference after so many steps on it."""
    layer, state = eqx.nn.make_with_state(eqx.nn.BatchNorm)(1, axis_name="batch", mode=mode)
    over_batch = {"axis_name": "batch", "in_axes": (0, None), "out_axes": (0, None)}
    train = jax.jit(lambda x, s: jax.vmap(layer, **over_batch)(x, s))
    infer = jax.vmap(eqx.nn.inference_mode(layer), **over_batch)
    found = {}
    for step in range(1, max(counts) + 1):
        normalized, state = train(jnp.asarray(batch), state)
        assert abs(float(normalized.std()) - 1) < 1e-2
        if step in counts:
            answers, _ = infer(jnp.asarray(batch), state)
            found[step] = float(answers.std()), float(answers.mean())
    return found


counts = (1, 10, 100, 300, 600)
ema, batch_mode = deviations("ema", counts), deviations("batch", counts)
for step in counts:
    rest = 0.99**step / (1 - 0.99**step)
    predicted = np.sqrt(variance / (variance + rest + 1e-5))
    (of_ema, _), (of_batch, mean) = ema[step], batch_mode[step]
    print(f"{step:3} steps: ema {of_ema:.3f}, batch {of_batch:.3f},", end=" ")
    print(f"{predicted:.3f} if {rest:.3f} is added to a variance of {variance:.3f}")
    assert abs(of_ema - 1) < 1e-2 and abs(of_batch - predicted) < 1e-2 and abs(mean) < 1e-2
assert batch_mode[1][0] < 0.02 and batch_mode[100][0] < 0.2 and batch_mode[300][0] < 0.5
print("seen: the one it starts with is corrected as if it were zero")
PYTHON
