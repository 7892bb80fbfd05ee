"""This project's side of `step.py`: one contender process.

Training is the program that `ltpa_tf.training.train` runs, one whole epoch per round;
inference is an export, loaded as any program would: a SavedModel in TensorFlow, or an
ONNX file in ONNX Runtime.
"""

import argparse
import tempfile
import time

import keras
import tensorflow as tf
from ml_collections import ConfigDict

from ltpa_tf import data, distribution
from ltpa_tf.benchmark.rounds import Turn
from ltpa_tf.configs import common
from ltpa_tf.training import Trainer, build_model

POLICIES = {"bf16": "mixed_bfloat16", "fp16": "mixed_float16", "fp32": "float32"}


class Training:
    """One epoch of training per round.

    Args:
        config: What to train.
        source: On which data.
        warm_up: Steps before the first round; compiling is the first.
    """

    def __init__(self, config: ConfigDict, source: data.Source, warm_up: int):
        strategy = distribution.make_strategy(config.runtime.strategy)
        self._trainer = Trainer(config, strategy, source)
        self._iterator = self._trainer.feed.iterator(0)
        self._images = config.train.batch_size * self._trainer.steps_per_epoch
        self._step = 0
        start = time.perf_counter()
        self._take(1)
        self.compile_seconds = round(time.perf_counter() - start, 1)
        self._take(warm_up - 1)
        self._step = self._trainer.steps_per_epoch

    def __call__(self) -> dict:
        """One round."""
        start = time.perf_counter()
        loss = self._take(self._trainer.steps_per_epoch)
        return {
            "seconds": time.perf_counter() - start,
            "images": self._images,
            "loss": loss,
        }

    def _take(self, steps: int) -> float:
        """Takes steps and waits for them; their mean loss."""
        trainer = self._trainer
        sums, bad_step = trainer.program.train(self._iterator, self._step, steps)
        self._step += steps
        total, _, examples, *_ = sums.numpy()
        trainer.state.reset_sums()
        if int(bad_step) >= 0:
            raise RuntimeError(f"not finite at step {int(bad_step)}")
        return float(total / examples)


class Inference:
    """Some batches per round through an export, uint8 images to probabilities.

    Args:
        config: What to export; untrained.
        source: Where images come from.
        options: The program's.
    """

    def __init__(
        self, config: ConfigDict, source: data.Source, options: argparse.Namespace
    ):
        self._images = source.train.array[: options.batch]
        self._steps = options.steps
        model = build_model(config, source)
        make = {"tensorflow": _in_tensorflow, "onnx": _in_onnx_runtime}
        with tempfile.TemporaryDirectory() as folder:
            self._ask = make[options.runtime](
                model, source.class_names, self._images, folder, options.threads
            )
        start = time.perf_counter()
        self._take(1)
        self.compile_seconds = round(time.perf_counter() - start, 1)
        self._take(options.warm_up - 1)

    def __call__(self) -> dict:
        """One round."""
        start = time.perf_counter()
        self._take(self._steps)
        return {
            "seconds": time.perf_counter() - start,
            "images": self._steps * len(self._images),
        }

    def _take(self, batches: int) -> None:
        for _ in range(batches):
            self._ask()


def _in_tensorflow(model, class_names, images, folder, threads):
    from ltpa_tf import serving

    del threads  # set for the whole process
    version = serving.export(model, f"{folder}/model", class_names=class_names)
    loaded = tf.saved_model.load(str(version))
    signature, images = loaded.signatures["serving_default"], tf.constant(images)
    # The signature lives as long as what it was loaded with.
    return lambda loaded=loaded: signature(images=images)["probabilities"].numpy()


def _in_onnx_runtime(model, class_names, images, folder, threads):
    import onnxruntime

    from ltpa_tf.serving.onnx_file import to_onnx
    from ltpa_tf.serving.signatures import Signatures

    to_onnx(Signatures(model, class_names), f"{folder}/model.onnx", images[:4])
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(f"{folder}/model.onnx", options)
    return lambda: session.run(["probabilities"], {"images": images})


def config_of(options: argparse.Namespace) -> ConfigDict:
    """att3-concat-pc with the peer's settings."""
    config = common.get_config()
    config.data.name, config.data.dir = "npz", options.data
    config.model.name = "vgg_att3_concat_pc"
    config.model.dropout = 0.0
    config.model.width = options.width
    config.train.batch_size = options.batch
    config.train.label_smoothing = 0.1
    config.augment.crop, config.augment.flip = 4, True
    config.optimizer.learning_rate = 0.01
    config.optimizer.schedule = "constant"
    config.runtime.precision = POLICIES[options.precision]
    config.runtime.jit = options.jit
    return config


def main() -> None:
    """Speaks with the parent process, see `rounds.Turn`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--task", choices=("train", "infer"), default="train")
    parser.add_argument("--data", required=True, help="npz: x_train, y_train, ...")
    parser.add_argument("--batch", type=int, default=512)
    parser.add_argument("--steps", type=int, default=10, help="per round (infer)")
    parser.add_argument("--warm_up", type=int, default=5, help="steps before round 1")
    parser.add_argument("--width", type=float, default=1.0)
    parser.add_argument("--precision", choices=POLICIES, default="bf16")
    parser.add_argument("--jit", choices=("auto", "on", "off"), default="auto")
    parser.add_argument(
        "--runtime", choices=("tensorflow", "onnx"), default="tensorflow"
    )
    parser.add_argument("--threads", type=int, default=0, help="on a CPU; 0: all")
    options = parser.parse_args()
    turn = Turn()
    if options.threads:
        tf.config.threading.set_intra_op_parallelism_threads(options.threads)
        tf.config.threading.set_inter_op_parallelism_threads(1)
    gpus = tf.config.list_physical_devices("GPU")
    for gpu in gpus:  # the other contender is on the same one
        tf.config.experimental.set_memory_growth(gpu, True)

    start = time.perf_counter()
    config = config_of(options)
    keras.config.set_dtype_policy(config.runtime.precision)
    source = data.load("npz", dir=options.data)
    if options.task == "train":
        work = Training(config, source, options.warm_up)
    else:
        work = Inference(config, source, options)
    turn.say(
        software=f"ltpa_tf, tensorflow {tf.__version__}, keras {keras.__version__}",
        device=distribution.device_name(),
        options=vars(options),
        ready_seconds=round(time.perf_counter() - start, 1),
        compile_seconds=work.compile_seconds,
    )
    turn.take(lambda: {**work(), **_memory(gpus)})


def _memory(gpus) -> dict:
    if not gpus:
        return {}
    peak = tf.config.experimental.get_memory_info("GPU:0")["peak"]
    return {"peak_memory_gb": round(peak / 1e9, 2)}


if __name__ == "__main__":
    main()
