"""Presets in a Hugging Face Hub: uploaded, loaded, and what goes wrong."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import hub
import pytest
from ports import free_port

from ltpa_tf import models
from ltpa_tf.errors import SettingError

CHILD = Path(__file__).with_name("hub_child.py")


@pytest.fixture
def presets(tmp_path):
    """Two presets of the same kind with different weights."""
    folders = []
    for name, storage in (("first", "float16"), ("second", "int8")):
        model = models.build("vgg_att2_concat_pc", num_classes=3, width=1 / 16)
        folder = tmp_path / name
        folders.append(
            models.save_preset(model, folder, ("cat", "dog", "owl"), storage=storage)
        )
    return folders


def call(home, endpoint, *calls):
    """What each call answered, in a process of its own."""
    environment = {
        **os.environ,
        "HF_HOME": str(home),
        "HF_ENDPOINT": endpoint,
        "HF_HUB_DISABLE_XET": "1",  # the Hub's other way to upload needs more servers
        "HF_HUB_DISABLE_TELEMETRY": "1",
    }
    done = subprocess.run(
        [sys.executable, str(CHILD), json.dumps(calls, default=str)],
        capture_output=True,
        text=True,
        env=environment,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_a_preset_goes_to_the_hub_and_comes_back(a_hub, presets, tmp_path):
    pytest.importorskip(
        "huggingface_hub", reason="no huggingface_hub: pip install -e '.[hf]'"
    )
    first, second = presets
    uri = "hf://me/my-pets"
    a_hub.commits["me/notes"] = [("1" * 40, {"README.md": b"# Notes"})]
    answers = call(
        tmp_path / "home",
        a_hub.url,
        [hub.TOKEN, "upload_preset", uri, first],
        ["", "from_preset", uri],
        [hub.TOKEN, "upload_preset", "hf://my-pets", second],  # the token knows whose
        ["", "from_preset", uri],
        ["", "from_preset", first],
        ["", "from_preset", second],
        ["", "from_preset", "hf://me/nothing"],
        ["", "from_preset", f"{uri}@v2"],
        ["", "from_preset", "hf://me/notes"],
        ["", "from_preset", "hf://me/a/b"],
        ["", "from_preset", f"{uri}@{'0' * 40}"],
        [hub.TOKEN, "upload_preset", f"{uri}@main", first],
        ["of another", "upload_preset", uri, first],
    )
    assert len(a_hub.commits["me/my-pets"]) == 3
    told, loaded, told_again, newer, *directly = answers[:6]
    assert loaded == directly[0]
    assert newer == directly[1] != loaded
    _, (sha, files), (newest, _) = a_hub.commits["me/my-pets"]
    assert told == f"{a_hub.url}/me/my-pets/commit/{sha}"
    assert told_again.endswith(newest)
    assert sorted(files) == [file.name for file in sorted(first.iterdir())]
    for name in set(files) - {"README.md"}:
        assert files[name] == (first / name).read_bytes()
    header, card = files["README.md"].decode().split("\n---\n")
    assert "library_name: keras" in header
    assert f'from_preset("{uri}")' in card
    assert card.endswith((first / "README.md").read_text())
    said = [
        "expected a repository that is there.*'hf://me/nothing'",
        f"expected a revision that is there.*'{uri}@v2'",
        "expected a repository that upload_preset has written.*'hf://me/notes'",
        "expected hf://USER/NAME.*'hf://me/a/b'",
        "expected a repository that upload_preset has written",
        f"uri: expected hf://USER/NAME.*Received: '{uri}@main'",
        f"uri: expected what your HF_TOKEN may do.*Received: '{uri}'",
    ]
    for sentence, answer in zip(said, answers[6:], strict=True):
        assert re.search(sentence, answer)
        assert "\n" not in answer

    # Nobody answers: the cache knows the newest commit that was asked for.
    cached, unknown = call(
        tmp_path / "home",
        f"http://127.0.0.1:{free_port()}",
        ["", "from_preset", uri],
        ["", "from_preset", "hf://me/other"],
    )
    assert cached == newer
    assert re.search("expected a Hub that answers.*'hf://me/other'", unknown)


@pytest.mark.parametrize("name", ["from_preset", "upload_preset"])
def test_without_the_extra_it_is_a_sentence(presets, monkeypatch, name):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    arguments = ["hf://me/pets", *[presets[0]][: name == "upload_preset"]]
    with pytest.raises(SettingError, match=r"pip install 'ltpa_tf\[hf\]'"):
        getattr(models, name)(*arguments)
