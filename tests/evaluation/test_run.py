"""A run's evaluations: side by side, on data that moved, on other data."""

import json
import shutil

import keras
import numpy as np
import pytest
from PIL import Image

from ltpa_tf import config as config_lib
from ltpa_tf import data, evaluation, models
from ltpa_tf.configs import own_folder
from ltpa_tf.errors import SettingError
from ltpa_tf.files import write_json, write_text
from ltpa_tf.lock import only_one
from ltpa_tf.run import RunFolder

NAMES = ("blue", "green", "red")


def paint(folder, names=NAMES, images=5):
    """A folder of small images whose colour is their class."""
    rng = np.random.default_rng(0)
    for name in names:
        (folder / name).mkdir(parents=True)
        for number in range(images):
            image = rng.integers(0, 100, (32, 32, 3), np.uint8)
            image[..., ("red", "green", "blue").index(name)] += 100
            Image.fromarray(image).save(folder / name / f"{number}.png")
    return folder


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A run with final and best weights, on a folder that has moved since."""
    base = tmp_path_factory.mktemp("moved")
    photos = paint(base / "photos")
    config = own_folder.get_config()
    config.data.dir = str(photos)
    config.data.image_size = 32
    config.data.validation_examples = 3
    source = data.load("folder", dir=str(photos), image_size=32, validation_examples=3)
    run = RunFolder(base / "run")
    run.create()
    write_text(run.config_file, config_lib.to_json(config))
    run.write_dataset(source)
    for seed, file in enumerate((run.model_file, run.best_file)):
        keras.utils.set_random_seed(seed)
        models.build(
            num_classes=3, levels=(2, 4), trunk="faster", width=1 / 16, **_scale(source)
        ).save(file)
    photos.rename(base / "moved")
    return base


def _scale(source):
    return {"mean": source.mean, "std": source.std}


@pytest.fixture
def base(made, tmp_path):
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    return tmp_path


def test_evaluations_of_other_weights_and_parts_stand_side_by_side(base):
    run = RunFolder(base / "run", str(base / "moved"))
    results = [
        evaluation.evaluate_run(run, weights=weights, split=split)
        for weights, split in (
            ("final", "test"),
            ("best", "test"),
            ("best", "validation"),
        )
    ]
    files = ["evaluation.json", "evaluation-best.json"]
    files += ["evaluation-best-validation.json"]
    assert [one["file"] for one in results] == files
    for file, result in zip(files, results, strict=True):
        assert json.loads((run.path / file).read_text()) == result
        pictures = (run.path / file).with_suffix("")
        assert (pictures / "confusion.png").exists()
        # The worst mistakes are drawn where there are some.
        assert (pictures / "mistakes.png").exists() == bool(result["mistakes"])
    assert any(one["mistakes"] for one in results)
    assert sorted(one["file"] for one in run.evaluations()) == sorted(files)


def test_data_that_moved_is_found_by_its_new_place_alone(base):
    with pytest.raises(SettingError, match="data.dir: .*--data_dir says where"):
        evaluation.evaluate_run(RunFolder(base / "run"))
    with pytest.raises(SettingError, match="--data_dir: .*nowhere"):
        evaluation.evaluate_run(RunFolder(base / "run", str(base / "nowhere")))
    moved = RunFolder(base / "run", str(base / "moved"))
    assert evaluation.evaluate_run(moved)["examples"] == 3
    (base / "moved" / "red" / "0.png").unlink()
    with pytest.raises(SettingError, match="changed since"):
        evaluation.evaluate_run(moved)


def test_a_folder_that_is_not_the_runs_own(base):
    run = RunFolder(base / "run")
    other = paint(base / "other photos!", names=("green", "red"), images=7)
    result = evaluation.evaluate_run(run, labelled_dir=str(other))
    assert result["examples"] == 14
    counts = {name: one["examples"] for name, one in result["by_class"].items()}
    assert counts == {"blue": 0, "green": 7, "red": 7}
    assert result["file"].startswith("evaluation-other_photos_-")
    own = RunFolder(base / "run", str(base / "moved"))
    evaluation.evaluate_run(own)
    assert [one["examples"] for one in run.evaluations()] == [3, 14]
    # The same pictures, divided: one part of them.
    paint(base / "divided" / "train")
    paint(base / "divided" / "test", images=2)
    divided = evaluation.evaluate_run(run, labelled_dir=str(base / "divided"))
    assert divided["examples"] == 6


def test_files_of_another_folder_that_cannot_be_used(base):
    run = RunFolder(base / "run")
    other = paint(base / "other", images=3)
    for name in ("red", "green"):
        (other / name / "bad.jpg").write_bytes(b"<html>")
    said = "--labelled_dir: .*--skip_damaged goes on without.*Received: 2 files"
    with pytest.raises(SettingError, match=said):
        evaluation.evaluate_run(run, labelled_dir=str(other))
    result = evaluation.evaluate_run(run, labelled_dir=str(other), skip_damaged=True)
    assert result["examples"] == 9
    stored = run.read(run.path / result["file"])["skipped"]
    assert sorted(stored) == [str(other / n / "bad.jpg") for n in ("green", "red")]
    with pytest.raises(SettingError, match="--labelled_dir: .*a folder that exists"):
        evaluation.evaluate_run(run, labelled_dir=str(base / "nowhere"))


def test_a_class_that_the_model_does_not_know_is_refused(base):
    other = paint(base / "other")
    (other / "red").rename(other / "rot")
    with pytest.raises(SettingError, match="blue, green, red.*class 'rot'"):
        evaluation.evaluate_run(RunFolder(base / "run"), labelled_dir=str(other))


@pytest.mark.slow
def test_the_one_file_of_earlier_versions_is_kept(base):
    run = RunFolder(base / "run", str(base / "moved"))
    earlier = {"weights": "best", "split": "test", "top1": 0.5}
    write_json(run.evaluation_file, earlier)
    evaluation.evaluate_run(run)
    assert run.read(run.evaluation("best")) == earlier
    assert run.read(run.evaluation_file)["weights"] == "final"


def test_measured_maps_are_in_the_file_and_stay_there(base):
    run = RunFolder(base / "run")
    moved = RunFolder(base / "run", str(base / "moved"))
    started = []
    result = evaluation.evaluate_run(
        moved, maps=["saliency"], map_examples=3, maps_progress=started.append
    )
    assert started == ["chance", "centre", "saliency", "agreement"]
    stored = json.loads(run.evaluation().read_text())
    assert stored["maps"] == result["maps"]
    assert set(stored["maps"]["agreement"]["saliency"]) == {"centre"}
    assert "saliency" in stored["maps"]["methods"]["saliency"]
    assert "pointing" not in stored["maps"]["methods"]["centre"]["centre"]  # no boxes

    again = evaluation.evaluate_run(
        moved, maps=["saliency"], map_examples=3, maps_progress=pytest.fail
    )
    assert again["maps"] == stored["maps"]
    without = evaluation.evaluate_run(moved)
    assert without["maps"] == stored["maps"]
    with pytest.raises(SettingError, match="--maps: .*Received: 'salency'"):
        evaluation.evaluate_run(moved, maps=["salency"], map_examples=3)
    assert json.loads(run.evaluation().read_text()) == without


def test_of_few_images_all_are_measured_on(base):
    moved = RunFolder(base / "run", str(base / "moved"))
    result = evaluation.evaluate_run(
        moved, maps=["attention"], map_measures=["boxes"], swap=True
    )
    assert result["maps"]["examples"] == result["examples"] < 500
    assert result["global_feature"]["examples"] == result["examples"]


def test_another_data_set_by_the_run_s_features(base):
    moved = RunFolder(base / "run", str(base / "moved"))
    other = f"folder:{base / 'moved'}"
    result = evaluation.evaluate_run(moved, transfer=other)
    ((name, found),) = result["transfer"].items()
    assert name.startswith("folder-")
    assert found["test"] == result["examples"]
    stored = json.loads(moved.evaluation().read_text())
    assert stored["transfer"] == result["transfer"]
    assert evaluation.evaluate_run(moved)["transfer"] == result["transfer"]
    with pytest.raises(SettingError, match="data.name: .*Received: 'fodler'"):
        evaluation.evaluate_run(moved, transfer=f"fodler:{base}")


@pytest.mark.parametrize(
    "settings",
    [
        {"swap": True},
        {"attack": True},
        {"maps": ["evidence"]},
    ],
)
def test_a_mistake_is_told_before_any_image_is_seen(base, settings):
    moved = RunFolder(base / "run", str(base / "moved"))
    with pytest.raises(SettingError, match="--map_examples: .*Received: 500"):
        evaluation.evaluate_run(
            moved, **settings, map_examples=500, progress=pytest.fail
        )
    assert not moved.evaluation().exists()


def test_what_was_measured_before_a_call_was_cut_off_is_kept(base):
    moved = RunFolder(base / "run", str(base / "moved"))

    def interrupt(name):
        if name == "clean":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        evaluation.evaluate_run(
            moved, swap=True, attack=True, map_examples=3, maps_progress=interrupt
        )
    stored = json.loads(moved.evaluation().read_text())
    assert set(stored["global_feature"]) > {"same_class", "other_class", "noise"}
    assert "robustness" not in stored
    again = evaluation.evaluate_run(moved, attack=True, map_examples=3)
    assert again["global_feature"] == stored["global_feature"]
    assert "pgd_8" in json.loads(moved.evaluation().read_text())["robustness"]


def test_one_process_at_a_time_writes_a_file(base):
    """Two would each leave out what the other has measured."""
    run = RunFolder(base / "run", str(base / "moved"))
    said = "--workdir: .*no other process is writing evaluation.json"
    with only_one(run.path, "evaluation", "another"):
        with pytest.raises(SettingError, match=said):
            evaluation.evaluate_run(run)
        evaluation.evaluate_run(run, split="validation")
    evaluation.evaluate_run(run)
