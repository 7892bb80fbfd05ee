"""What is built and installed works away from the checkout."""

import configparser
import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from PIL import Image

ROOT = Path(__file__).parents[1]
pytestmark = pytest.mark.slow


def commands() -> list[str]:
    settings = configparser.ConfigParser()
    settings.read(ROOT / "setup.cfg")
    lines = settings["options.entry_points"]["console_scripts"].split("\n")
    return [line.partition("=")[0].strip() for line in lines if line]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Built of a copy, without what is ignored, and without the network."""
    folder = tmp_path_factory.mktemp("wheel")
    names = ("setup.cfg", "pyproject.toml", "README.md", "LICENSE", "ltpa_tf")
    for name in names:
        if (ROOT / name).is_dir():
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / name, folder / name, ignore=ignored)
        elif (ROOT / name).exists():
            shutil.copy(ROOT / name, folder)
    pip = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation"]
    subprocess.run([*pip, "-q", "-w", "dist", "."], cwd=folder, check=True)
    (file,) = (folder / "dist").glob("*.whl")
    return file


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """The commands of a fresh environment, which has the dependencies of this one."""
    folder = tmp_path_factory.mktemp("installed")
    python = folder / "bin/python"
    create = [sys.executable, "-m", "venv", "--without-pip", str(folder)]
    subprocess.run(create, check=True)
    install = ["--python", str(python), "install", "--no-deps", "--no-index", "-q"]
    subprocess.run([sys.executable, "-m", "pip", *install, str(wheel)], check=True)
    asked = "import sysconfig; print(sysconfig.get_path('purelib'))"
    site = subprocess.check_output([python, "-c", asked], text=True).strip()
    # The .pth files of folders that are named so aren't read: that of an editable
    # installation, which would bring the checkout, is one.
    theirs = [path for path in sys.path if Path(path).name == "site-packages"]
    Path(site, "shared.pth").write_text("\n".join(theirs))
    return folder / "bin"


def run(installed, command, *flags, cwd):
    done = subprocess.run(
        [installed / command, *flags],
        cwd=cwd,
        capture_output=True,
        text=True,
        env={k: v for k, v in os.environ.items() if k != "PYTHONPATH"},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_it_claims_no_other_name(wheel):
    names = {name.partition("/")[0] for name in zipfile.ZipFile(wheel).namelist()}
    assert {name for name in names if not name.endswith(".dist-info")} == {"ltpa_tf"}


@pytest.mark.parametrize("command", commands())
def test_every_command_says_what_it_does(installed, command, tmp_path):
    said = run(installed, command, "--help", cwd=tmp_path)
    assert "Flags:" in said or "usage" in said


def test_the_benchmarks_find_their_parts(installed, tmp_path):
    said = run(installed, "ltpa-benchmark", "serving", "--help", cwd=tmp_path)
    assert "--clients" in said


def test_its_presets_classify_and_explain_a_photo(wheel, installed, tmp_path):
    assert wheel.stat().st_size < 40e6
    photo = ROOT / "docs/photos/cat.jpg"
    flags = ["--preset=cifar10_att2_small", f"--images={photo}", "--output=maps"]
    run(installed, "ltpa-predict", *flags, cwd=tmp_path)
    (answer,) = json.loads((tmp_path / "maps/predictions.json").read_text())
    assert answer["class"] == "cat"
    with Image.open(tmp_path / "maps/000_cat.png") as picture:
        assert picture.size == (768, 256)


def test_it_trains_exports_and_predicts(installed, tmp_path):
    small = ["--config.model.width=0.125", "--config.train.epochs=1"]
    small += ["--config.data.train_examples=128", "--config.optimizer.warmup_epochs=0"]
    flags = ["--config=configs/quickstart.py", "--workdir=runs/mine", *small]
    run(installed, "ltpa-train", *flags, cwd=tmp_path)
    flags = ["--workdir=runs/mine", "--export_dir=saved_models/mine"]
    run(installed, "ltpa-export", *flags, cwd=tmp_path)
    flags = ["--saved_model=saved_models/mine", "--images=saved_models/mine/1/samples"]
    run(installed, "ltpa-predict", *flags, "--output=answers", cwd=tmp_path)
    assert (tmp_path / "answers/predictions.json").exists()
    where = "import ltpa_tf; print(ltpa_tf.__file__)"
    said = run(installed, "python", "-c", where, cwd=tmp_path)
    assert str(installed.parent) in said
