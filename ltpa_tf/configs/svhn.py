r"""SVHN (cropped digits): any row of the paper's table, by either recipe.

    python -m pipelines.train --workdir=runs/svhn \
        --config=configs/svhn.py:vgg_att3_concat_pc
"""

from ltpa_tf.configs import recipes


def get_config(argument: str = ""):
    config = recipes.small_images(argument, default_row="vgg_att3_concat_pc")
    config.data.name = "svhn_cropped"
    # A mirrored digit is another sign.
    config.augment.flip = False
    # A tenth of CIFAR's, as in the authors' code.
    config.optimizer.learning_rate /= 10
    return config
