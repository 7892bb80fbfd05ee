"""The data benchmark, as far as it is the same on every machine."""

import json
import subprocess
import sys
from pathlib import Path


def test_it_compares_with_the_usual_pipeline(tmp_path):
    out = tmp_path / "data.jsonl"
    command = [
        sys.executable,
        "-m",
        "ltpa_tf.benchmark.data",
        "--tasks=small",
        f"--out={out}",
    ]
    done = subprocess.run(
        [*command, "--rounds=1", "--seconds=0.1"],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert " of keras layers" in done.stdout
    lines = [json.loads(line) for line in out.read_text().splitlines()]
    assert [line["name"] for line in lines] == ["keras layers", "ltpa_tf"]
    assert all(line["rounds"][0]["images"] for line in lines)
