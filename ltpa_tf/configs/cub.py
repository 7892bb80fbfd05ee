r"""CUB-200-2011, birds of 200 kinds, at 80x80: any row of the paper's table.

TFDS has it as `caltech_birds2011`; `--config.data.download` fetches it. The paper
starts from a model of the same row that was trained on CIFAR-100:

    python -m pipelines.train --workdir=runs/c100 \
        --config=configs/cifar100.py:vgg_att2_concat_pc,recipe=paper
    python -m pipelines.train --workdir=runs/cub --init_from=runs/c100 \
        --config=configs/cub.py:vgg_att2_concat_pc

As in the authors' code: a tenth of CIFAR's learning rate, doubled after 30 and after 60
epochs, then halved every 30, 320 epochs in all.
"""

from ltpa_tf.configs import recipes


def get_config(row: str = "vgg_att2_concat_pc"):
    config = recipes.small_images(f"{row},recipe=paper", row)
    config.data.name = "caltech_birds2011"
    config.data.image_size = 80
    config.train.epochs = 320
    config.optimizer.learning_rate /= 10
    config.optimizer.step_epochs = 30
    config.optimizer.step_first = 0
    config.optimizer.step_rises = 2
    return config
