"""Quickstart: two attention levels on the bundled cluttered digits, for a CPU.

    make quickstart

VGG's pools in place and a quarter of its width, so that two cores suffice. Digits are
composed anew in every epoch.
"""

from ltpa_tf.configs import common


def get_config():
    config = common.get_config()
    config.data.name = "digits"
    config.model.name = "vgg_att2_concat_pc"
    config.model.trunk = "vgg_d"
    config.model.levels = (4, 7)
    config.model.width = 0.25
    config.model.dropout = 0.0
    config.train.epochs = 8
    config.train.batch_size = 64
    config.optimizer.learning_rate = 0.1
    config.optimizer.warmup_epochs = 1.0
    return config
