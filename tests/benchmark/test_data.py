"""The data benchmark, as far as it is the same on every machine."""

import json

import forked


def test_it_compares_with_the_usual_pipeline(tmp_path):
    out = tmp_path / "data.jsonl"
    flags = ["--tasks=small", f"--out={out}", "--rounds=1", "--seconds=0.1"]
    done = forked.run("ltpa_tf.benchmark.data", *flags)
    assert done.returncode == 0, done.stderr
    assert " of keras layers" in done.stdout
    lines = [json.loads(line) for line in out.read_text().splitlines()]
    assert [line["name"] for line in lines] == ["keras layers", "ltpa_tf"]
    assert all(line["rounds"][0]["images"] for line in lines)
