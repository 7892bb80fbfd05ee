r"""Hard attention as cropping: the recurrent attention model on scattered MNIST.

    python -m pipelines.train --config=configs/ram.py:cluttered_mnist,60 \
        --config.data.dir=mnist.npz --workdir=runs/ram

`mnist.npz` holds MNIST as `x_train, y_train, x_test, y_test`. The argument is the data,
"translated_mnist" or "cluttered_mnist", and the side of its canvas, 60 or 100: the
three tasks of Mnih et al., 2014, with the glimpses of tfRAM (8 of 12x12, 3 scales).
The policies to compare with are `--config.model.name=ram_centre` and `ram_random`.
"""

from ltpa_tf.configs import common
from ltpa_tf.errors import SettingError


def get_config(argument: str = "translated_mnist,60"):
    name, _, side = argument.partition(",")
    if side not in ("", "60", "100"):
        raise SettingError("--config", argument, "NAME,SIDE with SIDE 60 or 100")
    config = common.get_config()
    config.data.name = name
    config.data.image_size = int(side or 60)
    # So many canvases, four of each digit.
    config.data.train_examples = 240_000
    config.model.name = "ram"
    config.train.epochs = 100
    config.train.batch_size = 512
    # Short trainings with 0.1 and 4, which differed in more than these, ended with
    # glimpses that looked away.
    config.model.location_std = 0.2
    config.train.samples = 8
    config.train.reward = "correct"
    config.train.entropy_weight = 0.0
    config.train.clip_norm = 5.0
    config.optimizer.name = "adamw"
    config.optimizer.learning_rate = 1e-3
    config.optimizer.weight_decay = 1e-4
    config.optimizer.warmup_epochs = 1.0
    return config
