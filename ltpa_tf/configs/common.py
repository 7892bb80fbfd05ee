"""Every setting, its default, and a comment over each.

An experiment's file takes this config and changes what differs. On the command line
any of them is changed by `--config.KEY=VALUE`, e.g. `--config.train.epochs=3`.
"""

from ml_collections import ConfigDict
from ml_collections.config_dict import placeholder

from ltpa_tf.old_configs import Section


def get_config() -> ConfigDict:
    config = ConfigDict()

    # One seed for everything: initial weights, split, order, augmentation, dropout.
    config.seed = 0

    config.data = data = ConfigDict()
    # "digits" (bundled), "folder", "npz", "translated_mnist", "cluttered_mnist", or the
    # name of any TFDS data set.
    data.name = "digits"
    # TFDS: its data_dir ("" = the usual one); folder: the folder; npz and
    # the two of MNIST: the file.
    data.dir = ""
    # Train on N training examples only, the first of each class in proportion; 0 = all.
    data.train_examples = 0
    # Set aside from the training part, never trained on, used for every selection
    # (best checkpoint, early stopping, tuning). 0 = none.
    data.validation_examples = 0
    # Where that is 0 and the data has no such part: the share to set aside.
    data.validation_share = 0.0
    # Resize images to this height and width; 0 = as they are (folders need a size).
    data.image_size = 0
    # Where that is 0, a folder's images get the size that most of them have, a multiple
    # of 32, and at most this; 0 = off.
    data.largest_image_size = 0
    # How images of another shape get that one: "squash", "pad" (all of it, between
    # borders), "crop" (the middle).
    data.aspect = "squash"
    # Red, green, blue, 0 to 255, that borders have and transparent images lie on.
    data.background = (255, 255, 255)
    # Lowest and highest value of 16-bit images, which become black and white, such as
    # (0, 4095) for 12 bits; () = (0, 65535).
    data.window = ()
    # Folders and TFDS: go on without the images that can't be used; off: they are all
    # named.
    data.skip_damaged = False
    # Bring the test images to the training images' sharpness, where they were made
    # smaller in another way; exports do the same to the images that they get.
    data.match_sharpness = False
    # Let TFDS download a missing set. Off: a missing set is an error, at once.
    data.download = False
    # Where training images live: "stream" (tf.data), "resident" (on the accelerator),
    # "auto" (resident where there is an accelerator and they fit; several workers
    # always stream).
    data.placement = "auto"

    # All of these but the flip are drawn anew for every image and epoch.
    config.augment = augment = ConfigDict()
    # Shift by up to this many pixels, borders reflected.
    augment.crop = 0
    # Mirror left-right each image in every other epoch, half of them at a time.
    augment.flip = False
    # Mirror exactly half of each batch instead, drawn anew (the paper's authors).
    augment.flip_anew = False
    # Random resized crops: the smallest share of an image's area that is taken, such as
    # 0.35, and enlarged to all of it; 0 = off.
    augment.least_area = 0.0
    # Multiply each image's detail by a random factor, up to 1 + this, down to 1 / (1 +
    # this): for images that come as sharp as others resized them; 0 = off.
    augment.sharpness = 0.0
    # Side in pixels of one grey square per image.
    augment.cutout = 0
    # Strength (the Beta distribution's alpha) of CutMix and MixUp; 0 = off.
    augment.cutmix = 0.0
    augment.mixup = 0.0
    # The share of images that CutMix changes.
    augment.cutmix_share = 1.0
    # RandAugment: operations per image (0 = off) and their magnitude, 0 to 10.
    augment.randaugment_layers = 0
    augment.randaugment_magnitude = 0

    config.model = model = Section()
    # A row of the paper's tables, or a recurrent attention model, "ram", "ram_centre",
    # "ram_random"; `ltpa_tf.models.list_models()` names them.
    model.name = "vgg_att2_concat_pc"
    # The rest changes single choices of that row. None = as the row has it.
    # "paper", "vgg_d", "vgg_e", "fast", "faster".
    model.trunk = placeholder(str)
    # Numbers of the convolutions that feed an attention estimator; () = no attention.
    # With a backbone: strides, such as (8, 16), or names of its layers; None = the last
    # resolutions, as many as the row has levels.
    model.levels = placeholder(tuple)
    # Of the rows with a residual network: its layers, 9 n + 2.
    model.depth = placeholder(int)
    # Those of the levels whose map gates the features that go on.
    model.gates = placeholder(tuple)
    # Where `levels` is None: the two deepest, of different blocks, whose features see
    # at most this share of the image; 0 = as the row has it.
    model.receptive_field = 0.0
    # "before_pool" (the paper), "after_pool".
    model.tap = placeholder(str)
    # "pc" <u, l+g>, "dp" <l, g>, "local" <u, l>, "additive" v^T relu(W_l l + W_g g).
    model.compatibility = placeholder(str)
    # "softmax" (the paper), "sigmoid" (with mean pooling); hard attention is "sampled"
    # (REINFORCE) or "topk" (straight-through).
    model.normalization = placeholder(str)
    # Multiplies the scores of attention, 1 in the paper; the Transformer's is
    # channels ** -0.5, for "dp" and for "sigmoid", which train badly without it
    # (docs/results.md). Above 1, u learns faster and maps start sharper.
    model.score_scale = placeholder(float)
    # What each level gives to the head: "attended" (the paper), "attended_and_max".
    model.descriptor = placeholder(str)
    # "fc" (the paper: linear, of the last pool), "gap", "max" (of the last level).
    model.global_feature = placeholder(str)
    # Hard attention: how many positions of each level it chooses.
    model.positions = placeholder(int)
    # "global_to_local" (the paper), "local_to_global", "projected_local".
    model.match = placeholder(str)
    # "paper" (batch norm, ReLU, dropout, linear), "linear".
    model.projection = placeholder(str)
    # "concat", "indep".
    model.head = placeholder(str)
    # Multiplies every channel count.
    model.width = 1.0
    # Batch normalization after every convolution.
    model.batch_norm = True
    # Dropout rate before the linear layers, 0.5 in the paper; after convolutions it is
    # 0.6 of this after the first, 0.8 of it after the others (the paper's 0.3 and 0.4).
    model.dropout = 0.5
    # Of the batch norms before linear layers; 1e-5 in the authors' code, whose batch
    # norms after convolutions have 1e-3, as here.
    model.projection_epsilon = 1e-3
    # What linear layers, batch norm and u start from: "keras" (Keras's defaults, nearly
    # flat maps) or "torch" (Torch7's, nearly one-hot maps, as the paper's authors).
    model.initial_values = "keras"
    # What convolutions see beyond the border: "zeros" (the paper), "reflect".
    model.padding = placeholder(str)
    # Recurrent attention takes, of all above, the width alone, and: how many glimpses;
    # their cells a side; their scales; "learned", "centre", "random"; the deviation of
    # the locations that are drawn; paths that evaluation averages.
    model.glimpses = placeholder(int)
    model.glimpse_size = placeholder(int)
    model.scales = placeholder(int)
    model.policy = placeholder(str)
    model.location_std = placeholder(float)
    model.paths = placeholder(int)
    # Multiplies the logits; 0.125 lets SGD take large steps without wild predictions.
    model.logit_scale = 1.0

    # A network to attend to, in the place of the row's trunk: one of keras.applications
    # ("efficientnetv2b0"), or a .keras file.
    model.backbone = ""
    # Its weights: "" (drawn anew, or the file's), "imagenet" (downloaded by Keras), or
    # a file.
    model.backbone_weights = ""
    # What pixels it expects: "auto" (by its layers), "tf" (-1 to 1), "torch" and
    # "caffe" (ImageNet's mean and deviation), "none" (0 to 255).
    model.preprocessing = "auto"

    config.train = train = Section()
    # Passes over the training examples.
    train.epochs = 10
    # Examples per step, over all replicas together.
    train.batch_size = 128
    # Probability mass spread evenly over all classes.
    train.label_smoothing = 0.0
    # "none", or "balanced": every class counts alike in the loss, however few examples
    # it has (mixed images count as the mixture of theirs).
    train.class_weights = "none"
    # REINFORCE (normalization "sampled"): choices drawn for each image and step.
    train.samples = 4
    # What a choice is rewarded by: "likelihood" (minus the example's loss), "correct"
    # (1 for the right class, otherwise 0); what that counts beside the loss; and what a
    # nat of entropy of the scores counts, which keeps them from settling early.
    train.reward = "likelihood"
    train.reward_weight = 1.0
    train.entropy_weight = 0.01
    # Clip the gradient's global norm, after reduction over replicas; 0 = off.
    train.clip_norm = 0.0
    # Take each replica's examples of a step in this many parts, one after another, in a
    # fraction of the memory. Without batch norm the update stays the same. Batch norm
    # normalizes each part by the part's own statistics, as on a smaller batch: that is
    # another update (`gradient_checkpointing` saves memory and leaves it as it is).
    train.accumulation_steps = 1
    # Average gradients where several meet, instead of adding them up: over the levels
    # that take the global feature, and of trunk and estimator at each level. So does
    # the hand-written backward pass of the paper's authors.
    train.gradient_averaging = False
    # With a classifier for each level (`model.head="indep"`): let each learn from the
    # labels itself, instead of the average of their probabilities; that is what the
    # model answers with in either case. (Lee et al., "Deeply-Supervised Nets", 2015.)
    train.deep_supervision = False
    # Begin on images shrunk to this many pixels (of their shorter side), which is less
    # to compute; 0 = never. With XLA two steps are compiled.
    train.small_size = 0
    # The share of the whole training that they take.
    train.small_share = 0.5
    # For large images: keep only the features between every so many convolutions for
    # the backward pass, compute the others again; 0 = keep all.
    train.gradient_checkpointing = 0
    # Batch norm over the global batch instead of each replica's part (slower: without
    # XLA; replicas then compute exactly what one device does).
    train.sync_batch_norm = False
    # Decay per update of the moving average of weights that is evaluated and saved;
    # 0 = off.
    train.ema = 0.0
    # Start from these weights: the folder of a finished run, a .keras file, or a
    # preset's name or folder. Where its classes are others the classifier is new.
    train.init_from = ""
    # Normalize pixels as the model does which those weights are of; off: by the new
    # training images' mean and deviation. (A backbone has the pixels of its family.)
    train.keep_normalization = True
    # Learn from this model, too, which is named as in `init_from` and has the same
    # classes; it is read at every start. The loss is that of labels and of what it
    # makes of each image as augmented, which counts so much.
    train.teacher = ""
    train.teacher_weight = 0.5
    # Epochs in which the trunk stays as it is, -1 = all; then one resolution more of it
    # is trained every so many epochs, the last one first; 0 = all at once. Their batch
    # norm is in inference mode throughout.
    train.frozen_epochs = 0
    train.unfreeze_epochs = 0
    # Batch norm of the trunk in inference mode where nothing else is frozen, too: its
    # statistics, scales and shifts stay as they are.
    train.freeze_batch_norm = False
    # Stop when validation accuracy hasn't risen for this many epochs; 0 = off.
    train.early_stopping = 0

    config.optimizer = optimizer = Section()
    # "sgd", "sgd_muon" (SGD, but for convolution kernels Muon, to which momentum and
    # weight decay below don't apply), "adamw", or the name of any Keras optimizer.
    optimizer.name = "sgd"
    # Peak learning rate. The paper's Torch "1.0" is 0.1 here: see recipes.py.
    optimizer.learning_rate = 0.1
    # SGD only.
    optimizer.momentum = 0.9
    optimizer.nesterov = True
    # "sgd_muon": multiplies the learning rate of convolution kernels.
    optimizer.muon_factor = 0.6
    # Weight decay. "decoupled": w -= lr * decay * w (Keras, AdamW). "coupled": added to
    # the gradient and so amplified by momentum (Torch): 5e-4 coupled with momentum 0.9
    # is as strong as 5e-3 decoupled.
    optimizer.weight_decay = 5e-3
    optimizer.decay_mode = "decoupled"
    # "kernels" (no decay on biases, batch norm, u), "all" (the paper).
    optimizer.decay_on = "kernels"
    # Multiplies the learning rate of batch norm's biases; short trainings take 64.
    optimizer.bias_lr_multiplier = 1.0
    # Multiplies the learning rate of the trunk, below attention and head; and that of
    # each resolution of it once more for every one behind it.
    optimizer.backbone_lr_multiplier = 1.0
    optimizer.stage_lr_multiplier = 1.0
    # "cosine", "step", "triangular", "constant"; each after a linear warm-up.
    optimizer.schedule = "cosine"
    # "triangular": epochs of rise; the others: epochs from 0 to the peak.
    optimizer.warmup_epochs = 0.0
    # "step": multiply by `step_factor` every `step_epochs` (paper: 25 and 0.5).
    optimizer.step_epochs = 25
    optimizer.step_factor = 0.5
    # Epochs until the first of them; 0 = as between two. The authors' code: 24.
    optimizer.step_first = 0
    # The first so many of them divide by `step_factor`; 2 in the authors' code for CUB.
    optimizer.step_rises = 0

    config.checkpoint = checkpoint = ConfigDict()
    # Save every N steps (0 = at the end of each epoch only) and every M minutes (0 =
    # never): a crash loses no more than the shorter of the two.
    checkpoint.every_steps = 0
    checkpoint.every_minutes = 10.0
    # How many checkpoints to keep.
    checkpoint.keep = 2

    config.runtime = runtime = ConfigDict()
    # "auto" (all GPUs of this machine; TF_CONFIG or SLURM where set), "none",
    # "mirrored", "multi_worker", "tpu".
    runtime.strategy = "auto"
    # XLA: "auto" (on accelerators), "on", "off".
    runtime.jit = "auto"
    # "float32", "mixed_bfloat16", "mixed_float16" (with loss scaling).
    runtime.precision = "float32"
    # Training steps per call from Python; 0 = chosen by itself.
    runtime.steps_per_call = 0
    # Bitwise the same result for the same seed, at some cost in speed.
    runtime.deterministic = False

    config.log = log = ConfigDict()
    # TensorBoard events in WORKDIR/events.
    log.tensorboard = True
    # MLflow's tracking URI, such as "http://host:5000" or "sqlite:///mlflow.db"; a
    # project of Weights & Biases. "" = off. Each needs the extra of its name.
    log.mlflow = ""
    log.wandb = ""
    # Test images whose attention maps are logged after each epoch; 0 = none.
    log.images = 4
    # Seconds between lines where there is no terminal for a progress bar.
    log.every_seconds = 10.0
    # First step and number of steps of a TensorBoard profile; 0 steps = none.
    log.profile_start = 20
    log.profile_steps = 0

    return config.lock()
