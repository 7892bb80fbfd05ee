"""What is missing is trained, what is there is kept, what doesn't fit is named."""

import json
from pathlib import Path

import numpy as np
import pytest

from ltpa_tf import config as configuration
from ltpa_tf import run
from ltpa_tf.configs import fast, fine_tuning, hard, maps, presets
from ltpa_tf.configs import results as trials
from ltpa_tf.errors import SettingError
from ltpa_tf.evaluation import evaluate_run
from ltpa_tf.lock import only_one
from ltpa_tf.results import campaign, table
from ltpa_tf.results.campaign import Trial

CONTROL = Trial("cifar100", "vgg_none")
SIGMOID = Trial("cifar100", "vgg_att_pc", "sigmoid", {"model.normalization": "sigmoid"})


@pytest.fixture
def make_config(tmp_path):
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (40, 32, 32, 3)).astype(np.uint8)
    labels = np.arange(40) % 2
    np.savez(
        tmp_path / "tiny.npz",
        x_train=images[:32],
        y_train=labels[:32],
        x_test=images[32:],
        y_test=labels[32:],
    )

    def make(trial):
        config = trials.get_config(trial.name)
        config.data.name, config.data.dir = "npz", str(tmp_path / "tiny.npz")
        config.model.width, config.model.trunk = 1 / 32, "faster"
        if trial is not CONTROL:
            config.model.levels = (4,)
        config.train.epochs, config.train.batch_size = 1, 16
        config.optimizer.warmup_epochs = 0.0
        config.runtime.precision = "float32"
        config.runtime.strategy = "none"
        return config

    return make


@pytest.mark.parametrize(
    "campaign_of", [trials, hard, maps, presets, fine_tuning, fast]
)
def test_every_trial_has_a_valid_config_on_its_own_data(campaign_of, tmp_path):
    names = [trial.name for trial in campaign_of.TRIALS]
    assert len(names) == len(set(names))
    assert {trial.name for trial, _ in campaign_of.WORK} == set(names)
    for trial in campaign_of.TRIALS:
        config = campaign_of.get_config(trial.name)
        campaign_of.put_data(config, trial, tmp_path)
        config.model.backbone_weights = ""  # the package that has them is an extra
        configuration.validate(config)
        assert Path(config.data.dir).parent == tmp_path
        assert config.model.name == trial.row


def test_a_campaign_goes_on_where_it_was_cut_off(tmp_path, make_config):
    work = [(CONTROL, (0, 1)), (SIGMOID, (5,))]
    folder = tmp_path / "out"
    missing = campaign.check(work, folder, make_config)
    assert missing == [(CONTROL, [0, 1]), (SIGMOID, [5])]
    with only_one(folder, SIGMOID.name, "free"):  # another process trains it
        said = []
        kept = {"runs": tmp_path / "runs", "say": said.append}
        campaign.run(missing, folder, make_config, **kept)
    assert said[-1] == f"{SIGMOID.name}: left to another process, which has begun it"
    files = [campaign.result_file(folder, CONTROL, seed) for seed in (0, 1)]
    assert sorted(folder.glob("*.json")) == sorted(files)
    kept = [file.read_bytes() for file in files]

    missing = campaign.check(work, folder, make_config)
    assert missing == [(SIGMOID, [5])]
    campaign.run(missing, folder, make_config)
    assert campaign.check(work, folder, make_config) == []
    assert [file.read_bytes() for file in files] == kept

    sigmoid, first, second = campaign.read_results(folder)
    assert (first["trial"], first["seed"], second["seed"]) == (CONTROL.name, 0, 1)
    assert sigmoid["config"]["model"]["normalization"] == "sigmoid"
    assert first["test"]["examples"] == 8
    assert str(tmp_path) not in json.dumps(first)
    with run.opened(tmp_path / "runs" / f"{CONTROL.name}-seed1") as kept:
        evaluation = evaluate_run(kept)
        assert kept.read_config().seed == 1
    for name in ("top1", "nll"):
        assert evaluation[name] == pytest.approx(second["test"][name], abs=1e-5)


@pytest.mark.slow
def test_a_trial_that_is_sealed_gives_its_numbers_again(tmp_path, make_config):
    """Bitwise, from another seed or trial beside it too, where that is asked for."""

    def make(trial):
        config = make_config(trial)
        config.runtime.deterministic = True
        return config

    found = []
    for name, seeds in (("out", (0, 3)), ("again", (3,))):
        missing = campaign.check([(SIGMOID, seeds)], tmp_path / name, make)
        campaign.run(missing, tmp_path / name, make)
        file = campaign.result_file(tmp_path / name, SIGMOID, 3)
        found.append(json.loads(file.read_text()))
    first, again = found
    for part in ("curve", "test", "test_with_flip", "fingerprint", "config"):
        assert first[part] == again[part]


def test_a_result_that_does_not_fit_is_named_before_any_training(tmp_path, make_config):
    folder = tmp_path / "out"
    config = make_config(CONTROL)
    stored = {
        "trial": CONTROL.name,
        "data": CONTROL.data,
        "seed": 0,
        "fingerprint": "",
        "test": {"top1": 0.5, "nll": 1.0, "ece": 0.1},
        "parameters": 1000,
        "seconds": 1.0,
        "config": config.to_dict(),
    }
    folder.mkdir()
    file = campaign.result_file(folder, CONTROL, 0)
    file.write_text(json.dumps(stored))
    assert campaign.check([(CONTROL, (0,))], folder, make_config) == []

    config.train.epochs = 30
    file.write_text(json.dumps(stored | {"config": config.to_dict()}))
    with pytest.raises(SettingError, match=r"seed0.json.*train.epochs = 1"):
        campaign.check([(CONTROL, (0,))], folder, make_config)
    file.write_text(json.dumps(stored | {"seed": 3}))
    with pytest.raises(SettingError, match="another trial's result"):
        campaign.check([(CONTROL, (0,))], folder, make_config)
    for broken in (
        '{"trial":',
        json.dumps(stored | {"test": {"top1": 0.5}}),
        json.dumps(stored | {"test": {"top1": "half", "nll": 1.0, "ece": 0.1}}),
        json.dumps({k: v for k, v in stored.items() if k != "parameters"}),
    ):
        file.write_text(broken)
        with pytest.raises(SettingError, match=r"seed0.json.*can't be read"):
            campaign.check([(CONTROL, (0,))], folder, make_config)
    file.write_text(json.dumps(stored))
    copy = folder / "copy.json"
    copy.write_text(json.dumps(stored))
    with pytest.raises(SettingError, match=r"copy.json.*the name cifar100.*seed0.json"):
        campaign.check([(CONTROL, (0,))], folder, make_config)


def test_data_that_does_not_fit_is_named_before_any_training(tmp_path, make_config):
    folder = tmp_path / "out"
    file = tmp_path / "tiny.npz"
    campaign.run(
        campaign.check([(CONTROL, (0,))], folder, make_config), folder, make_config
    )
    arrays = dict(np.load(file))
    np.savez(file, **arrays | {"x_train": 255 - arrays["x_train"]})
    with pytest.raises(SettingError, match=r"seed0.json.*on other images than those"):
        campaign.check([(CONTROL, (1,))], folder, make_config)
    with pytest.raises(SettingError, match=r"seed0.json.*on other images than those"):
        campaign.check([(SIGMOID, (0,))], folder, make_config)
    np.savez(file, **{k: v for k, v in arrays.items() if not k.endswith("test")})
    with pytest.raises(SettingError, match="data with a test part"):
        campaign.check([(CONTROL, (1,))], folder, make_config)
    file.write_bytes(b"")
    with pytest.raises(SettingError, match=r"tiny\.npz"):
        campaign.check([(CONTROL, (1,))], folder, make_config)


def test_a_run_of_another_config_is_not_replaced(tmp_path, make_config):
    """One of the same config is: of a training that was killed before its result."""
    runs = tmp_path / "runs"

    def other(trial):
        config = make_config(trial)
        config.model.width = 1 / 16
        return config

    missing = campaign.check([(CONTROL, (0,))], tmp_path / "out", make_config)
    campaign.run(missing, tmp_path / "out", make_config, runs=runs)
    again = {"work": [(CONTROL, (0, 1))], "folder": tmp_path / "new", "runs": runs}
    with pytest.raises(SettingError, match=r"--runs: .*model.width = 0\.03125.*seed0"):
        campaign.check(make_config=other, **again)
    assert campaign.check(make_config=make_config, **again) == [(CONTROL, [0, 1])]
    assert campaign.check(make_config=other, **again | {"runs": None})


@pytest.mark.parametrize(
    ("key", "value"), [("train.early_stopping", 2), ("log.mlflow", "http://here")]
)
def test_what_a_campaign_does_not_do_is_refused(tmp_path, make_config, key, value):
    def make(trial):
        config = make_config(trial)
        config.data.validation_examples = 8
        config.update_from_flattened_dict({key: value})
        return config

    with pytest.raises(SettingError, match=key):
        campaign.check([(CONTROL, (0,))], tmp_path / "out", make)


@pytest.mark.parametrize(
    ("key", "value", "setting"),
    [
        ("batch_size", 64, "train.batch_size"),
        ("small_size", 4, "train.small_size"),
    ],
)
def test_a_trial_that_its_images_do_not_fit_is_named_before_any_training(
    tmp_path, make_config, key, value, setting
):
    def make(trial):
        config = make_config(trial)
        if trial == SIGMOID:
            config.train[key] = value
        return config

    with pytest.raises(SettingError, match=setting):
        campaign.check([(CONTROL, (0,)), (SIGMOID, (0,))], tmp_path / "out", make)


@pytest.mark.parametrize(
    ("trials", "name"),
    [
        (trials, "results"),
        (fast, "results/fast"),
        (fine_tuning, "results/fine_tuning"),
        (maps, "results/maps"),
        (presets, "results/presets"),
    ],
)
def test_the_committed_results_and_page_are_those_of_todays_configs(trials, name):
    docs = Path(__file__).parents[2] / "docs"
    results = campaign.read_results(docs / name)
    assert results
    for result in results:
        config = trials.get_config(result["trial"])
        assert campaign.differences(result["config"], config) == []
    page = docs / f"{name}.md"
    if page.exists():
        made = table.page(results, trials.TRIALS, trials.PUBLISHED, trials.QUESTIONS)
        assert page.read_text(encoding="utf-8") == f"{trials.INTRODUCTION}\n{made}"


def test_only_known_trials_are_selected():
    work = [(CONTROL, (0, 1)), (SIGMOID, (5,))]
    assert campaign.select(work, [SIGMOID.name], []) == [(SIGMOID, (5,))]
    assert campaign.select(work, [], [7, 7]) == [(CONTROL, (7,)), (SIGMOID, (7,))]
    with pytest.raises(SettingError, match="--only.*cifar100-vgg_none"):
        campaign.select(work, ["vgg"], [])


def test_every_trial_of_the_tables_has_a_config_and_a_name_of_its_own():
    names = {trial.name: trial for trial, _ in trials.WORK}
    assert all(names[trial.name] == trial for trial, _ in trials.WORK)
    assert set(names) == {trial.name for trial in trials.TRIALS}
    for name, trial in names.items():
        config = trials.get_config(name)
        assert (config.data.name, config.model.name) == (trial.data, trial.row)
        for key, value in trial.settings.items():
            part, _, setting = key.partition(".")
            assert config[part][setting] == value
    with pytest.raises(SettingError, match="--config.*cifar10-vgg_none"):
        trials.get_config("cifar10-vgg_nine")
