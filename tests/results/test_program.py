"""What the program refuses before it reads a file or trains."""

import json

import pytest
from absl import flags
from absl.testing import flagsaver

from ltpa_tf import config as configuration
from ltpa_tf.configs import common, results
from ltpa_tf.errors import SettingError
from ltpa_tf.programs import results as program


@pytest.fixture
def main(tmp_path):
    """Runs it with these flags; there are no data, so nothing can be trained."""
    with flagsaver.flagsaver():  # those of other tests come back
        flags.FLAGS.unparse_flags()
        for name in flags.FLAGS:
            flags.FLAGS[name].unparse()
        flags.FLAGS(["results", f"--out={tmp_path / 'out'}"])

        def run(**given):
            with flagsaver.flagsaver(**given):
                program.main([])

        yield run


@pytest.mark.parametrize("seed", ["-1", "1.5", "", "4294967296", "²", "x"])
def test_seeds_are_whole_numbers(main, tmp_path, seed):
    with pytest.raises(SettingError, match="--seeds: expected whole numbers"):
        main(data=str(tmp_path), seeds=["0", seed])


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"data": "here", "only": ["vgg"]}, "--only: .*cifar100-vgg_none"),
        ({"data": "here"}, "--data: .*a folder with cifar100.npz"),
        ({"data": "here", "minutes": float("nan")}, "--minutes"),
        ({"data": "here", "runs": __file__}, "--runs"),
        ({"data": "here", "page": "nowhere/page.md"}, "--page"),
        ({"page": "."}, "--page"),
        ({"page": "page.md"}, "--out: .*a folder with results"),
        ({}, "--data"),
        ({"page": "page.md", "only": ["cifar100-vgg"]}, "--only: .*--data"),
        ({"page": "page.md", "set": ["train.epochs=3"]}, "--set: .*--data"),
    ],
)
def test_what_can_not_be_used_is_named(main, tmp_path, monkeypatch, given, named):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SettingError, match=named):
        main(**given)
    assert not (tmp_path / "page.md").exists()


@pytest.mark.parametrize(
    ("setting", "accepted"),
    [
        ("train.epoch=3", "train.epochs"),
        ("train.epochs=many", "a value of type int"),
        ("model.trunk=3", "a value of type str"),
        ("model.levels=", "a value of type tuple"),
        ("train=3", "with KEY one of"),
        ("seed=3", "--seeds"),
        ("xyz", "KEY=VALUE"),
    ],
)
def test_settings_are_those_of_the_config(setting, accepted):
    with pytest.raises(SettingError, match=f"--set: .*{accepted}"):
        program._set(common.get_config(), setting)


def test_settings_are_numbers_tuples_and_text():
    config = common.get_config()
    for setting in ("train.epochs=3", "model.levels=(7, 13)", "model.trunk=fast"):
        program._set(config, setting)
    assert (config.train.epochs, config.model.trunk) == (3, "fast")
    assert config.model.levels == (7, 13)
    for text, levels in (("13", (13,)), ("block4,block5", ("block4", "block5"))):
        program._set(config, f"model.levels={text}")  # as --config.model.levels
        assert config.model.levels == levels
    program._set(config, "model.levels=None")
    assert config.model.levels is None


def test_a_short_training_warms_up_for_half_of_it(main, tmp_path):
    (tmp_path / "cifar100.npz").touch()
    trial = results.WORK[0][0]
    for epochs, warmup in ((1, 0.5), (30, 5.0), (0, 5.0)):
        with flagsaver.flagsaver(data=str(tmp_path), epochs=epochs):
            config = program._config(trial)
        configuration.validate(config)
        assert config.optimizer.warmup_epochs == warmup
        assert config.train.epochs == (epochs or 30)


def test_a_page_is_made_of_results(main, tmp_path):
    folder = tmp_path / "out"
    folder.mkdir()
    test = {"examples": 10, "top1": 0.75, "nll": 1.0, "ece": 0.1}
    result = {"trial": "cifar100-vgg", "seed": 3, "config": {}, "fingerprint": ""}
    result |= {"test": test, "parameters": 15_000_000, "seconds": 2.0}
    (folder / "cifar100-vgg-seed3.json").write_text(json.dumps(result))
    main(page=str(tmp_path / "page.md"))
    # Of few classes there is no top-5.
    line = "| vgg | 25.00 | 30.62 |  | 1.000 | 10.00 | 15.00 M | 2 | 1 |"
    assert line in (tmp_path / "page.md").read_text(encoding="utf-8")
