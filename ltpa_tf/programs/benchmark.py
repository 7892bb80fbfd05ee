"""Measures training steps: images a second, attention's share, memory.

python -m pipelines.benchmark --out=runs/benchmark
python -m pipelines.benchmark --out=runs/benchmark --batch_size=8 --width=0.125 \
    --batch_sizes=4,8 --image_sizes= --widths= --levels=   # a minute on a CPU

Moves along one axis at a time from a base point of att3-concat-pc, each point in a
process of its own, on random images. Writes OUT/benchmark.json and OUT/benchmark.png.

python -m pipelines.benchmark serving --help   # requests a second, of a server
"""

import contextlib
import dataclasses
import json
import math
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from absl import flags

from ltpa_tf.errors import SettingError
from ltpa_tf.programs import program
from ltpa_tf.quiet import start_tensorflow

_OUT = flags.DEFINE_string("out", None, "Folder for the results.")
_BATCH_SIZE = flags.DEFINE_integer("batch_size", 512, "Examples per step; the base.")
_IMAGE_SIZE = flags.DEFINE_integer("image_size", 32, "Pixels a side; the base.")
_WIDTH = flags.DEFINE_float("width", 1.0, "Multiplies channel counts; the base.")
_SERIES = {
    "batch_size": flags.DEFINE_list(
        "batch_sizes", ["128", "256", "512", "1024", "2048"], "Empty: not this axis."
    ),
    "image_size": flags.DEFINE_list(
        "image_sizes",
        ["32", "64", "128", "224"],
        "In batches of as many pixels as the base.",
    ),
    "width": flags.DEFINE_list("widths", ["0.25", "0.5", "1", "2"], "See batch_sizes."),
    "levels": flags.DEFINE_list("levels", ["0", "1", "2", "3"], "See batch_sizes."),
    "replicas": flags.DEFINE_list(
        "replicas", [], "Of the base's batch each; without a GPU, logical CPU devices."
    ),
}
_PRECISION = flags.DEFINE_enum(
    "precision",
    "auto",
    ["auto", "float32", "mixed_bfloat16", "mixed_float16"],
    "auto: mixed_bfloat16 on a GPU, float32 without.",
)
_JIT = flags.DEFINE_enum("jit", "auto", ["auto", "on", "off"], "See runtime.jit.")
_SECONDS = flags.DEFINE_float("seconds", 2.0, "How long to measure, three times.")
_JOBS = flags.DEFINE_integer(
    "jobs",
    1,
    "Points that compile beside each other; each is measured while nothing else runs.",
    lower_bound=1,
)
_POINT = flags.DEFINE_string("point", "", "Measures this one point (JSON), here.")
_LOCK = flags.DEFINE_string("lock", "", "With --point: a file that all processes lock.")


def main(argv: Sequence[str]) -> int:
    """Measures all points, or the one of --point."""
    del argv
    if _POINT.value:
        program.start()
        from ltpa_tf.benchmark.device_lock import DeviceLock
        from ltpa_tf.benchmark.measure import measure
        from ltpa_tf.benchmark.points import Point

        point = Point(**json.loads(_POINT.value))
        lock = DeviceLock(_LOCK.value or None)
        found = measure(point, _config(), seconds=_SECONDS.value, lock=lock)
        print(json.dumps(found))
        return 0
    if not _OUT.value:
        raise SettingError("--out", _OUT.value, "a folder for the results")
    return _measure_all()


def _measure_all() -> int:
    from ltpa_tf.benchmark.figure import scaling_figure
    from ltpa_tf.benchmark.points import Point, points
    from ltpa_tf.files import make_folder, write_json
    from ltpa_tf.plotting import style

    if not 0 < _SECONDS.value < math.inf:
        raise SettingError("--seconds", _SECONDS.value, "a finite number above 0")
    base = Point(_BATCH_SIZE.value, _IMAGE_SIZE.value, _WIDTH.value)
    series = {
        axis: [_number(axis, value) for value in flag.value if value]
        for axis, flag in _SERIES.items()
    }
    series = {axis: values for axis, values in series.items() if values}
    plan = points(base, series)
    folder = Path(_OUT.value)
    make_folder(folder, "--out")
    measured: dict = {}
    records, failed = [], []
    with _processes(dict.fromkeys(point for _, point in plan)) as results:
        for axis, point in plan:
            measured[point] = results[point].result()
            record = {"axis": axis, **dataclasses.asdict(point), **measured[point]}
            print(_line(record), flush=True)
            (failed if "error" in record else records).append(record)
            report = {
                "base": dataclasses.asdict(base),
                "precision": _PRECISION.value,
                "attention_share": _attention_share(measured, base),
                "points": records,
                "failed": failed,
            }
            # After every point: the next one may take the machine down with it.
            write_json(folder / "benchmark.json", report)
            files = [folder / "benchmark.json"]
            if any(record["axis"] in series for record in records):
                figure = scaling_figure(records)
                files.append(style.save(figure, folder / "benchmark.png"))
    if share := report["attention_share"]:
        print(f"attention's own share of the step: {share:.1%}")
    print(*files, sep="\n")
    return 1 if failed else 0


@contextlib.contextmanager
def _processes(points) -> Iterator[dict]:
    """What `_in_a_process` will return for each of the points."""
    with tempfile.NamedTemporaryFile() as lock:
        pool = ThreadPoolExecutor(_JOBS.value)
        try:
            yield {
                point: pool.submit(_in_a_process, point, lock.name) for point in points
            }
        finally:
            pool.shutdown(cancel_futures=True)


def _in_a_process(point, lock: str) -> dict:
    """What `--point` prints, or what it died of as `error`.

    A process of its own: a strategy, memory's peak and running out of memory are each a
    whole process's matter.
    """
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "ltpa_tf.programs.benchmark",
            f"--point={json.dumps(dataclasses.asdict(point))}",
            f"--precision={_PRECISION.value}",
            f"--jit={_JIT.value}",
            f"--seconds={_SECONDS.value}",
            f"--lock={lock}",
        ],
        capture_output=True,
        text=True,
        # Else the first process takes all of a GPU's memory.
        env={**os.environ, "TF_FORCE_GPU_ALLOW_GROWTH": "true"},
    )
    if done.returncode:
        return {"error": _complaint(done.stderr) or f"exit code {done.returncode}"}
    return json.loads(done.stdout.strip().splitlines()[-1])


def _complaint(stderr: str) -> str:
    """The line that names an exception (TensorFlow's go on for many), or the last."""
    said = stderr.strip().splitlines()
    named = [line for line in said if re.match(r"[\w.]+Error: ", line)]
    return (named or said or [""])[-1][:300]


def _config():
    import tensorflow as tf

    from ltpa_tf.configs import common

    config = common.get_config()
    config.model.dropout = 0.0
    config.augment.crop, config.augment.flip = 4, True
    config.train.label_smoothing = 0.1
    config.optimizer.learning_rate = 0.01
    config.runtime.jit = _JIT.value
    config.runtime.precision = _PRECISION.value
    if _PRECISION.value == "auto":
        on_gpu = bool(tf.config.list_physical_devices("GPU"))
        config.runtime.precision = "mixed_bfloat16" if on_gpu else "float32"
    return config


def _attention_share(measured: dict, base) -> float | None:
    """How much longer the base's step is than that of its trunk without attention."""
    with_attention = measured.get(base, {}).get("step_ms")
    without = measured.get(dataclasses.replace(base, levels=0), {}).get("step_ms")
    if with_attention is None or without is None:
        return None
    return 1 - without / with_attention


def _number(axis: str, text: str) -> float:
    kind, kinds = (float, "numbers") if axis == "width" else (int, "whole numbers")
    try:
        return kind(text)
    except ValueError:
        flag = f"--{_SERIES[axis].name}"
        raise SettingError(flag, text, f"{kinds}, separated by commas") from None


def _line(record: dict) -> str:
    where = " ".join(
        f"{key}={record[key]:g}"
        for key in ("batch_size", "image_size", "width", "levels", "replicas")
    )
    if "error" in record:
        return f"{where}: {record['error']}"
    text = (
        f"{where}: {record['images_per_second']:,.1f} images/s, "
        f"{record['step_ms']:.1f} ms"
    )
    if record["peak_memory_gb"]:
        text += f", {record['peak_memory_gb']:.1f} GB"
    return text


def cli() -> None:
    """Entry point of `ltpa-benchmark`; `ltpa-benchmark serving` measures a server."""
    if sys.argv[1:2] == ["serving"]:
        start_tensorflow()
        from ltpa_tf.benchmark import serving

        serving.main(sys.argv[2:])
    else:  # only the processes of its points need TensorFlow, and the device
        program.run(main, tensorflow=False)


if __name__ == "__main__":
    cli()
