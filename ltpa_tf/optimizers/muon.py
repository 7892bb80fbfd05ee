"""Muon for convolution kernels, SGD for everything else."""

import keras
from keras import ops

MOMENTUM = 0.6
STEPS = 4  # of Newton-Schulz; airbench takes 3
# The quintic's slope at 0 is as large as it can be; in return it takes singular values
# near 1, not to it.
_COEFFICIENTS = (3.4445, -4.7750, 2.0315)
_TINY = 1e-7


class SGDMuon(keras.optimizers.SGD):
    """SGD whose convolution kernels move by orthogonalized momentum (Muon).

    A convolution kernel `[h, w, in, out]` is a matrix `[h w in, out]` here. Its
    gradients add up to a momentum (0.6, Nesterov's), of which only the singular vectors
    count: the step goes equally far in all their directions. The kernel itself is
    scaled to the Frobenius norm `sqrt(out)` before each step, so a network should
    follow it by batch norm, and weight decay has no part in it. All other variables
    move as under SGD.

    Muon is Keller Jordan's (https://kellerjordan.github.io/posts/muon/); its use on
    convolutions beside SGD, the norm and the momentum are those of airbench94_muon
    (https://github.com/KellerJordan/cifar10-airbench), which orthogonalizes by 3 steps
    of Newton-Schulz instead of 4. `keras.optimizers.Muon` is something else for such
    networks: whatever isn't a matrix, and so each convolution, it leaves to AdamW.

    Args:
        learning_rate: A number or a Keras schedule.
        muon_factor: Multiplies the learning rate of convolution kernels.
        product_dtype: Of the matrix products that orthogonalize. bfloat16, as in the
            original, changes a kernel's step by a few percent and takes half the time.
        **arguments: SGD's.

    Raises:
        ValueError: If SGD can't use its arguments.

    Example:
        >>> optimizer = optimizers.SGDMuon(0.1, momentum=0.9, weight_decay=5e-4)
        >>> model = models.build("vgg_att2_concat_pc", width=0.125)
        >>> loss = keras.losses.CategoricalCrossentropy(from_logits=True)
        >>> model.compile(optimizer, loss)
    """

    def __init__(
        self,
        learning_rate=0.01,
        *,
        muon_factor: float = 0.6,
        product_dtype: str = "float32",
        **arguments,
    ):
        super().__init__(learning_rate, **arguments)
        self.muon_factor = muon_factor
        self.product_dtype = product_dtype

    def build(self, variables: list[keras.Variable]) -> None:
        """Makes one momentum per variable, of its shape and dtype."""
        super().build(variables)
        if not self.momentums:  # SGD's momentum is 0, Muon's isn't
            self.momentums = self.add_optimizer_variables(variables, "momentum")

    def directions(self, gradients: list, variables: list[keras.Variable]) -> list:
        """The gradients, of convolution kernels as orthogonalized momentum instead.

        All at once: matrices of one shape are multiplied together, which a GPU does in
        much less time than one after the other.
        """
        directions = list(gradients)
        kernels = [i for i, v in enumerate(variables) if is_convolution_kernel(v)]
        matrices = []
        for i in kernels:
            slot = self.momentums[self._get_variable_index(variables[i])]
            momentum = MOMENTUM * slot + gradients[i]
            self.assign(slot, momentum)
            ahead = gradients[i] + MOMENTUM * momentum
            matrices.append(ops.reshape(ahead, (-1, ahead.shape[-1])))
        orthogonal = orthogonalize_all(matrices, self.product_dtype)
        for i, matrix in zip(kernels, orthogonal, strict=True):
            directions[i] = ops.reshape(matrix, variables[i].shape)
        return directions

    def update_step(self, gradient, variable, learning_rate) -> None:
        """Moves one variable along its direction; Keras calls it."""
        if not is_convolution_kernel(variable):
            super().update_step(gradient, variable, learning_rate)
            return
        norm = variable.shape[-1] ** 0.5
        kernel = norm * _normalize(ops.convert_to_tensor(variable))
        self.assign(variable, kernel - learning_rate * self.muon_factor * gradient)


def is_convolution_kernel(variable: keras.Variable) -> bool:
    """Whether a variable has four axes, and so is moved by Muon."""
    return len(variable.shape) == 4


def orthogonalize_all(matrices: list, product_dtype: str = "float32") -> list:
    """`orthogonalize` of each, those of one shape in one go."""
    shapes = [tuple(matrix.shape) for matrix in matrices]
    results = list(matrices)
    for shape in dict.fromkeys(shapes):
        same = [i for i, other in enumerate(shapes) if other == shape]
        stack = ops.stack([matrices[i] for i in same])
        stack = orthogonalize(stack, product_dtype)
        for i, result in zip(same, ops.unstack(stack, len(same)), strict=True):
            results[i] = result
    return results


def orthogonalize(matrix, product_dtype: str = "float32"):
    """`U V^T` of `matrix = U S V^T`, roughly: its singular values are about 1.

    Those that are far below the largest are still on their way there.

    Args:
        matrix: Float `[..., m, n]`.
        product_dtype: Of the products.

    Returns:
        A tensor of that shape and dtype.
    """
    tall = matrix.shape[-2] > matrix.shape[-1]
    # The transposed matrix gives the transposed result; lying, its products with itself
    # are smaller.
    x = _normalize(_transpose(matrix) if tall else matrix, axis=(-2, -1))
    x = ops.cast(x, product_dtype)
    a, b, c = _COEFFICIENTS
    for _ in range(STEPS):
        square = ops.matmul(x, _transpose(x))
        quartic = ops.matmul(square, square)
        x = a * x + ops.matmul(b * square + c * quartic, x)
    x = ops.cast(x, matrix.dtype)
    return _transpose(x) if tall else x


def _transpose(x):
    return ops.swapaxes(x, -1, -2)


def _normalize(x, axis=None):
    """`x` divided by its Frobenius norm over all axes or some; zeros stay zeros."""
    norm = ops.sqrt(ops.sum(ops.square(x), axis, keepdims=True))
    return x / ops.maximum(norm, _TINY)
