r"""CIFAR-10: any row of the paper's table, by either recipe.

    python -m pipelines.train --workdir=runs/cifar10 \
        --config=configs/cifar10.py:vgg_att2_concat_pc
    python -m pipelines.train --workdir=runs/cifar10-paper \
        --config=configs/cifar10.py:vgg_att2_concat_pc,recipe=paper
"""

from ltpa_tf.configs import recipes


def get_config(argument: str = ""):
    config = recipes.small_images(argument, default_row="vgg_att2_concat_pc")
    config.data.name = "cifar10"
    return config
