"""How fast training images come: this project's tf.data path against the usual ones.

    python -m ltpa_tf.benchmark.data --cores=2 --out=data.jsonl

small: 32x32 images in memory, shuffled, shifted by up to 4 pixels, mirrored and
    normalized; against the same pipeline made of Keras's Random* layers.
jpeg: a folder of 500x375 JPEG files at 224 px, shuffled, shifted and mirrored; against
    bare reading, decoding and resizing.
digits: the composites of the bundled data, against nothing.

The contenders of a task take turns in one process. Rates are images a second.
"""

import atexit
import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from absl import flags

from ltpa_tf.benchmark import common, rounds
from ltpa_tf.programs import program
from ltpa_tf.quiet import start_tensorflow

_TASKS = flags.DEFINE_list("tasks", ["small", "jpeg", "digits"], "What to measure.")
_CORES = flags.DEFINE_integer("cores", 2, "CPU cores to use.", lower_bound=1)
_BATCH = flags.DEFINE_integer("batch_size", 128, "Images per batch.", lower_bound=1)
_ROUNDS = flags.DEFINE_integer("rounds", 5, "Turns of each contender.", lower_bound=1)
_SECONDS = flags.DEFINE_float("seconds", 4.0, "Length of a turn.", lower_bound=0.1)
_OUT = flags.DEFINE_string("out", None, "A file to add lines of JSON to.")

CROP = 4
JPEG_FILES = 512


def small(batch_size: int) -> dict:
    """Contenders on 50,000 random 32x32 images."""
    import keras
    import tensorflow as tf

    from ltpa_tf import data

    rng = np.random.RandomState(0)
    images = rng.randint(0, 256, (50_000, 32, 32, 3)).astype(np.uint8)
    labels = rng.randint(0, 100, 50_000)

    def normalized(images, labels):
        return tf.cast(images, tf.float32) * (1 / 127.5) - 1, labels

    ours = data.train_dataset(
        data.array_split(images, labels),
        batch_size=batch_size,
        seed=0,
        num_classes=100,
        augmentation=data.Augmentation(crop=CROP, flip=True),
    ).map(normalized, num_parallel_calls=tf.data.AUTOTUNE)

    shift = CROP / 32
    layers = keras.Sequential(
        [
            keras.layers.RandomTranslation(shift, shift, fill_mode="reflect"),
            keras.layers.RandomFlip("horizontal"),
            keras.layers.Rescaling(1 / 127.5, offset=-1),
        ]
    )
    theirs = (
        tf.data.Dataset.from_tensor_slices((images, labels))
        .shuffle(len(images))
        .repeat()
        .batch(batch_size)
        .map(
            lambda images, labels: (
                layers(tf.cast(images, tf.float32), training=True),
                tf.one_hot(labels, 100),
            ),
            num_parallel_calls=tf.data.AUTOTUNE,
        )
    )
    return {"keras layers": theirs, "ltpa_tf": ours}


def jpeg(batch_size: int) -> dict:
    """Contenders on a folder of JPEG files."""
    import tensorflow as tf

    from ltpa_tf import data
    from ltpa_tf.data import encoded

    folder = _photos()
    encoded.IN_MEMORY = 0  # these few would fit; a real folder doesn't
    source = data.load("folder", dir=folder, image_size=224)
    ours = data.train_dataset(
        source.train,
        batch_size=batch_size,
        seed=0,
        num_classes=2,
        augmentation=data.Augmentation(crop=CROP, flip=True),
    )

    def decode(path):
        image = tf.io.decode_jpeg(tf.io.read_file(path), channels=3)
        return tf.image.resize(image, (224, 224)), 0

    paths = [str(path) for path in sorted(Path(folder).glob("*/*.jpg"))]
    bare = (
        tf.data.Dataset.from_tensor_slices(paths)
        .repeat()
        .map(decode, num_parallel_calls=tf.data.AUTOTUNE)
        .batch(batch_size)
    )
    return {"bare decode_jpeg + resize": bare, "ltpa_tf": ours}


def digits(batch_size: int) -> dict:
    """The bundled data's fresh composites."""
    from ltpa_tf import data

    train = data.load("digits").train
    return {
        "ltpa_tf": data.train_dataset(
            train, batch_size=batch_size, seed=0, num_classes=10
        )
    }


def _photos() -> str:
    """A folder of pictures that compress about as photographs do."""
    from PIL import Image

    folder = Path(tempfile.mkdtemp(prefix="photos"))
    atexit.register(shutil.rmtree, folder)
    rng = np.random.RandomState(0)
    for number in range(JPEG_FILES):
        coarse = rng.randint(0, 256, (24, 32, 3)).astype(np.uint8)
        smooth = Image.fromarray(coarse).resize((500, 375), Image.BICUBIC)
        noise = rng.randint(-12, 13, (375, 500, 3))
        pixels = np.clip(np.array(smooth).astype(int) + noise, 0, 255)
        path = folder / ("even", "odd")[number % 2] / f"{number}.jpg"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(pixels.astype(np.uint8)).save(path, quality=90)
    return str(folder)


def measure(datasets: dict, count: int, seconds: float) -> list[dict]:
    """`count` turns of `seconds` for each data set, in alternating order."""
    turns: dict[str, list[dict]] = {name: [] for name in datasets}
    for number in range(count):
        order = list(datasets) if number % 2 else list(datasets)[::-1]
        for name in order:
            turns[name].append(_turn(datasets[name], seconds))
    summaries = []
    for name, metrics in turns.items():
        rates = [turn["images"] / turn["seconds"] for turn in metrics]
        summaries.append(
            {
                "name": name,
                "best_images_per_second": round(max(rates), 1),
                "median_images_per_second": round(statistics.median(rates), 1),
                "rounds": metrics,
            }
        )
    return summaries


def _turn(dataset, seconds: float) -> dict:
    # A new iterator each time: an idle one would go on filling its buffers during the
    # other's turn.
    iterator = iter(dataset)
    _images(iterator, seconds / 2)  # starts threads, fills buffers
    start, processor = time.perf_counter(), time.process_time()
    images = _images(iterator, seconds)
    return {
        "images": images,
        "seconds": round(time.perf_counter() - start, 4),
        "processor_seconds": round(time.process_time() - processor, 4),
    }


def _images(iterator, seconds: float) -> int:
    next(iterator)
    images, start = 0, time.perf_counter()
    while time.perf_counter() - start < seconds:
        images += len(next(iterator)[0])
    return images


TASKS: dict[str, Callable[[int], dict]] = {
    "small": small,
    "jpeg": jpeg,
    "digits": digits,
}


def main(argv: Sequence[str]) -> None:
    """Measures the chosen tasks."""
    del argv
    common.check_names("--tasks", _TASKS.value, TASKS)
    common.check_out(_OUT.value)
    cores = sorted(os.sched_getaffinity(0))[: _CORES.value]
    os.sched_setaffinity(0, cores)  # before TensorFlow counts them
    start_tensorflow()
    for task in _TASKS.value:
        summaries = measure(TASKS[task](_BATCH.value), _ROUNDS.value, _SECONDS.value)
        print(f"{task}, {len(cores)} cores, batches of {_BATCH.value}")
        peers = [s["name"] for s in summaries if s["name"] != "ltpa_tf"]
        print(rounds.table(summaries, references=peers), flush=True)
        for summary in summaries:
            line = {"task": task, "cores": len(cores), **summary}
            common.add_line(_OUT.value, line)


if __name__ == "__main__":
    program.run(main, tensorflow=False)
