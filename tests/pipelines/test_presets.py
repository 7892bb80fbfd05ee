"""A run becomes a preset; a preset predicts, is exported and fine-tuned."""

import json
import re
import shutil

import hub
import numpy as np
import pytest
from PIL import Image

from ltpa_tf.run import RunFolder
from tests.pipelines.test_train import TINY


@pytest.fixture(scope="module")
def preset(start, trained_run, tmp_path_factory):
    folder = tmp_path_factory.mktemp("presets") / "pets"
    done = start(
        "export",
        f"--workdir={trained_run}",
        "--format=preset",
        f"--export_dir={folder}",
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str(folder)
    return folder


def test_run_preset_and_its_export_answer_alike(
    start_anew, start, trained_run, preset, tmp_path
):
    pixels = np.random.default_rng(0).integers(0, 256, (40, 32, 3), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "photo.png")
    exports = tmp_path / "exports"
    done = start_anew("export", f"--preset={preset}", f"--export_dir={exports}")
    assert done.returncode == 0, done.stderr
    card = (exports / "1" / "model_card.md").read_text()
    assert f"Made of the preset `{preset}`" in card

    answers = []
    for source in (f"--workdir={trained_run}", f"--preset={preset}", exports):
        source = source if isinstance(source, str) else f"--saved_model={source}"
        output = tmp_path / str(len(answers))
        images = f"--images={tmp_path / 'photo.png'}"
        done = start("predict", source, images, f"--output={output}")
        assert done.returncode == 0, done.stderr
        answers += json.loads((output / "predictions.json").read_text())
        assert (output / "000_photo.png").exists()
    run, *others = answers
    for other in others:
        assert other["class"] == run["class"]
        np.testing.assert_allclose(other["maps"]["2"], run["maps"]["2"], atol=1e-3)
    assert others[0]["top"] == pytest.approx(others[1]["top"], abs=1e-5)


def test_its_card_says_where_maps_point(start, trained_run, tmp_path):
    run = tmp_path / "run"
    shutil.copytree(trained_run, run)
    measured = {"pointing": [0.9, 0.8, 1], "pointing_small": [0.45, 0.4, 0.5]}
    found = {
        "split": "test",
        "weights": "final",
        "top1": 0.123456,
        "pointing": {"level_2": 0.75, "chance": 0.5},
        "maps": {"methods": {"attention": {"attention_2": measured}, "rise": {}}},
    }
    RunFolder(run).evaluation("final").write_text(json.dumps(found))
    folder = tmp_path / "preset"
    done = start(
        "export", f"--workdir={run}", "--format=preset", f"--export_dir={folder}"
    )
    assert done.returncode == 0, done.stderr
    told = "(test part of its own data)"
    assert f"""
- top1 {told}: 0.1235
- pointing, level_2 {told}: 0.75
- pointing, chance {told}: 0.5
- pointing into small boxes, attention_2 {told}: 0.45

""" in (folder / "README.md").read_text()


def test_fine_tuning_begins_with_the_presets_model_and_weights(start, preset, tmp_path):
    folder = tmp_path / "tuned"
    done = start(
        "train",
        *TINY,
        f"--preset={preset}",
        "--config.optimizer.learning_rate=1e-9",
        "--config.optimizer.weight_decay=0.0",
        f"--workdir={folder}",
    )
    assert done.returncode == 0, done.stderr
    assert f"Starting from the weights of {preset}; new are those of" in done.stdout
    assert "logits" in done.stdout.partition("new are")[2].partition(".")[0]

    from ltpa_tf import models
    from ltpa_tf.run import RunFolder

    tuned, first = RunFolder(folder).load_model(), models.from_preset(preset)
    assert tuned.levels == (2, 4)
    assert tuned.output_shape == (None, 10)
    kernels = (np.asarray(m.get_layer("conv3").kernel) for m in (tuned, first))
    np.testing.assert_allclose(*kernels, atol=1e-7)


@pytest.mark.slow
def test_a_run_goes_to_the_hub_and_predicts_from_there(
    start, start_anew, a_hub, trained_run, tmp_path, monkeypatch
):
    pytest.importorskip(
        "huggingface_hub", reason="no huggingface_hub: pip install -e '.[hf]'"
    )
    monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HF_ENDPOINT", a_hub.url)
    monkeypatch.setenv("HF_TOKEN", hub.TOKEN)
    monkeypatch.setenv("HF_HUB_DISABLE_XET", "1")
    done = start_anew(
        "export",
        f"--workdir={trained_run}",
        "--format=preset",
        "--export_dir=hf://me/pets",
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"{a_hub.url}/me/pets/commit/")
    monkeypatch.setenv("HF_TOKEN", "somebody's")
    for place in ("hf://me/a/b", "hf://me/pets@main", "hf://me/pets"):
        done = start(
            "export",
            f"--workdir={trained_run}",
            "--format=preset",
            f"--export_dir={place}",
        )
        assert done.returncode == 2
        assert re.search(f"--export_dir: expected .*Received: '{place}'", done.stderr)
    Image.new("RGB", (32, 32), (200, 0, 0)).save(tmp_path / "red.png")
    images, output = f"--images={tmp_path / 'red.png'}", tmp_path / "answers"
    answers = []
    for source in ("--preset=hf://me/pets", f"--workdir={trained_run}"):
        done = start_anew("predict", source, images, f"--output={output}")
        assert done.returncode == 0, done.stderr
        answers += json.loads((output / "predictions.json").read_text())
    assert answers[0]["top"] == pytest.approx(answers[1]["top"], abs=1e-3)


@pytest.mark.parametrize(
    ("program", "flags", "said"),
    [
        ("predict", ["--images=setup.cfg", "--preset=cifar100_at"], "save_preset"),
        (
            "export",
            ["--export_dir=/tmp/x", "--preset=no", "--workdir=x"],
            "of the two",
        ),
        ("export", ["--export_dir=/tmp/x", "--preset=nothing"], "save_preset"),
        (
            "export",
            ["--export_dir=/tmp/x", "--preset=no", "--format=onnx"],
            "--format: .*Received: 'onnx'",
        ),
        (
            "export",
            ["--export_dir=/tmp/x", "--workdir=x", "--triton"],
            "expected onnx, with --triton",
        ),
        (
            "export",
            ["--export_dir=/tmp/x", "--preset=no", "--format=preset", "--compact=top"],
            "--compact",
        ),
        (
            "export",
            ["--export_dir=hf://me/x", "--workdir=x"],
            "--format: expected preset.*Received: 'saved_model'",
        ),
        ("train", [*TINY, "--workdir=/tmp/x", "--preset=nothing"], "save_preset"),
        *(
            (
                "train",
                [*TINY, "--workdir=/tmp/x", "--preset=cifar10_att2_small", flag],
                f"--preset: expected .*{said}.*Received: 'cifar10_att2_small'",
            )
            for flag, said in (
                ("--config.model.name=resnet164", "as of model.name=resnet164"),
                ("--config.model.backbone=vgg16", "none with model.backbone=vgg16"),
            )
        ),
        (
            "train",
            [*TINY, "--workdir=/tmp/x", "--preset=no", "--init_from=x"],
            "one of",
        ),
    ],
)
def test_a_mistake_is_answered_with_a_sentence(start, program, flags, said):
    done = start(program, *flags)
    assert done.returncode == 2
    assert re.search(said, done.stderr)
    assert "Traceback" not in done.stderr
