"""evaluate.py on a finished run, and what it says where there is none."""

import json

import pytest
from PIL import Image


def test_writes_numbers_and_figures(start_anew, digits_run):
    done = start_anew("evaluate", f"--workdir={digits_run}")
    assert done.returncode == 0, done.stderr
    assert "top-1 accuracy" in done.stdout
    assert "pointing, level 4" in done.stdout
    result = json.loads((digits_run / "evaluation.json").read_text())
    assert result["split"] == "test"
    assert result["weights"] == "final"
    assert result["examples"] == sum(map(sum, result["confusion"])) == 2000
    assert 0 <= result["top1"] <= result["top5"] <= 1
    assert set(result["per_class"]) == {str(digit) for digit in range(10)}
    assert set(result["pointing"]) == {"level_2", "level_4", "chance"}
    assert 0.1 < result["pointing"]["chance"] < 0.2
    for name in ("confusion", "per_class", "reliability"):
        with Image.open(digits_run / "evaluation" / f"{name}.png") as picture:
            picture.verify()


def test_changed_data_is_noticed(start, digits_run, tmp_path):
    changed = json.loads((digits_run / "dataset.json").read_text())
    changed["fingerprint"] = "another"
    for file in ("config.json", "model.keras"):
        (tmp_path / file).write_bytes((digits_run / file).read_bytes())
    (tmp_path / "dataset.json").write_text(json.dumps(changed))
    done = start("evaluate", f"--workdir={tmp_path}")
    assert done.returncode == 2
    assert "it has changed since" in done.stderr
    assert not (tmp_path / "evaluation.json").exists()


def test_unfinished_run(start, digits_run, tmp_path):
    for file in ("config.json", "dataset.json"):
        (tmp_path / file).write_bytes((digits_run / file).read_bytes())
    done = start("evaluate", f"--workdir={tmp_path}")
    assert done.returncode == 2
    assert "model.keras" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        ([], "error: --workdir: expected a value"),
        (["--workdir=nowhere"], "nowhere"),
        (["--workdir={run}", "--weights=best"], "best.keras"),
        (["--workdir={run}", "--split=train"], "split"),
        (["--workdir={run}", "--batch_size=0"], "batch_size"),
        (["--workdir={run}", "--map_measures=boxes"], "nothing, without --maps"),
    ],
)
def test_mistakes_are_sentences(start, digits_run, flags, said):
    done = start("evaluate", *(flag.format(run=digits_run) for flag in flags))
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr
