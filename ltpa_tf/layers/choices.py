"""Choices at random among positions, and how they are learned: REINFORCE.

A layer that chooses gives, beside its outputs, a *choice*, a dict of float32 tensors
for B images, S samples of each and T choices in each sample:

    log_probability  [B, S, T]  of what was chosen; its gradient is the score function
    baseline         [B, S, T]  the reward that is expected without knowing the choice
    entropy          [B, S, T]  of what it was chosen from

S is 1 where it is the same for all samples.
"""

import keras

# As good as the logarithm of 0, without its infinite gradients.
_NOTHING = -1e30

Choice = dict[str, keras.KerasTensor]


def gumbel(shape, seed: keras.random.SeedGenerator):
    """float32 noise of the standard Gumbel distribution, `-log(-log(u))`.

    The k largest of scores with such noise are k positions drawn one after the other,
    without replacement, by the softmax of the scores of those that are left (Kool et
    al., "Stochastic Beams and Where to Find Them", arXiv 1903.06059, section 2.3).
    """
    never_zero = 1e-30
    uniform = keras.random.uniform(shape, never_zero, 1.0, dtype="float32", seed=seed)
    return -keras.ops.log(-keras.ops.log(uniform))


def most(scores, k: int):
    """Which positions have the k largest scores, the largest first: int `[..., k]`.

    Of equal ones the first are taken.
    """
    return keras.ops.top_k(scores, k)[1]


def marks(chosen, count: int):
    """float32 `[..., n]`: 1 at chosen positions, 0 elsewhere.

    Args:
        chosen: int `[..., k]`, k different positions.
        count: n, how many there are.
    """
    positions = keras.ops.arange(count, dtype=chosen.dtype)
    same = keras.ops.equal(keras.ops.expand_dims(chosen, -1), positions)
    return keras.ops.sum(keras.ops.cast(same, "float32"), axis=-2)


def log_probability(scores, chosen):
    """How probable it was to draw these positions in this order (Plackett-Luce).

        log p(i_1 .. i_k) = sum_j  c_(i_j) - log sum_l exp c_l,
        l over all positions but i_1 .. i_(j-1)

    Args:
        scores: `c`, float32 `[B, 1, n]`.
        chosen: `i_1 .. i_k`, int `[B, S, k]`.

    Returns:
        float32 `[B, S]`.
    """
    marked = marks(chosen, keras.ops.shape(scores)[-1])
    left = keras.ops.logsumexp(scores + _NOTHING * marked, axis=-1, keepdims=True)
    drawn = keras.ops.take_along_axis(
        keras.ops.broadcast_to(scores, keras.ops.shape(marked)), chosen, axis=-1
    )
    # From the end: what the last was drawn from, the last but one, and so on.
    pools = _running_logsumexp(
        keras.ops.concatenate([left, keras.ops.flip(drawn, axis=-1)], axis=-1)
    )
    return keras.ops.sum(drawn, axis=-1) - keras.ops.sum(pools[..., 1:], axis=-1)


def _running_logsumexp(x):
    """The logarithm of running sums of `exp(x)`, `[..., m]`, in log2(m) rounds.

    Not `associative_scan`, which XLA doesn't compile, nor with `logaddexp`, whose
    gradient is wrong where both are equal.
    """
    count, reach = x.shape[-1], 1
    while reach < count:
        nothing = keras.ops.full_like(x[..., :reach], _NOTHING)
        earlier = keras.ops.concatenate([nothing, x[..., :-reach]], axis=-1)
        x = keras.ops.logsumexp(keras.ops.stack([x, earlier], axis=-1), axis=-1)
        reach *= 2
    return x


def entropy(scores):
    """Of the softmax of scores `[..., n]`, in nats: `[...]`."""
    log_probabilities = keras.ops.log_softmax(scores, axis=-1)
    probabilities = keras.ops.exp(log_probabilities)
    return -keras.ops.sum(probabilities * log_probabilities, axis=-1)


def reinforce(choice: Choice, reward, *, weight: float = 1.0, entropy: float = 0.0):
    """What to minimize so that choices of more reward become more probable.

        -w sum_t [ (R - b_t) log p_t ] + sum_t [ (R - b_t)^2 ] / 2T - e sum_t H_t

    (Williams 1992; Mnih et al., "Recurrent Models of Visual Attention", arXiv
    1406.6247, equation 3; the entropy as in Xu et al., "Show, Attend and Tell", arXiv
    1502.03044, section 4.2). In the first term the gradient reaches `log p` alone, and
    in expectation it is that of `-w E[R]`, whatever the baseline. The second term
    trains the baseline alone.

    Args:
        choice: One layer's, see above.
        reward: `R`, float32 `[B, S]`; no gradient goes through it.
        weight: `w`.
        entropy: `e`, how much a nat of entropy is worth.

    Returns:
        float32 `[B, S]`.
    """
    reward = keras.ops.expand_dims(keras.ops.stop_gradient(reward), -1)
    surprise = reward - choice["baseline"]
    advantage = keras.ops.stop_gradient(surprise)
    terms = (
        -weight * advantage * choice["log_probability"] - entropy * choice["entropy"]
    )
    error = keras.ops.mean(keras.ops.square(surprise), axis=-1)
    return keras.ops.sum(terms, axis=-1) + error / 2
