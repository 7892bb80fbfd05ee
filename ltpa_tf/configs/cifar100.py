r"""CIFAR-100: any row of the paper's table, by either recipe.

    python -m pipelines.train --workdir=runs/cifar100 \
        --config=configs/cifar100.py:vgg_att3_concat_pc
    python -m pipelines.train --workdir=runs/cifar100-paper \
        --config=configs/cifar100.py:vgg_att3_concat_pc,recipe=paper
"""

from ltpa_tf.configs import recipes


def get_config(argument: str = ""):
    config = recipes.small_images(argument, default_row="vgg_att3_concat_pc")
    config.data.name = "cifar100"
    return config
