"""RandAugment for whole batches (https://arxiv.org/abs/1909.13719)."""


def randaugment(images, layers, magnitude, draw):
    """Not here yet."""
    raise NotImplementedError
