"""What `prepare` says of a data set to other tools, read by MLCommons' own reader."""

import hashlib
import json
import re

import numpy as np
import pytest

from ltpa_tf.data import load
from ltpa_tf.data.prepare import prepare

# What the reader and its libraries warn of.
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
]


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """A set of 7 and 5 images of fine and coarse classes; nothing is yet loaded."""
    folder = tmp_path_factory.mktemp("prepared")
    random = np.random.default_rng(0)
    content = {
        "label_names": ["Käfer", 'a "b"', "c"],
        "coarse_label_names": ["big", "small"],
    }
    for part, size in (("train", 7), ("test", 5)):
        content[f"x_{part}"] = random.integers(0, 256, (size, 8, 8, 3), np.uint8)
        content[f"y_{part}"] = np.arange(size) % 3
        content[f"y_{part}_coarse"] = np.arange(size) % 2
    np.savez(folder / "mine.npz", **content)
    return prepare(folder / "mine.npz", "mine", folder / "sets")


def test_mlcommons_reader_finds_nothing_wrong(prepared):
    mlcroissant = pytest.importorskip(
        "mlcroissant", reason="no mlcroissant: pip install -e '.[croissant]'"
    )
    dataset = mlcroissant.Dataset(str(prepared / "croissant.json"))
    issues = dataset.metadata.ctx.issues
    assert not issues.errors
    # Only who publishes the data can say these.
    unknown = {"citeAs", "datePublished", "license"}
    assert {re.search(r"/(\w+)\"", text)[1] for text in issues.warnings} == unknown

    def rows(name):
        return [
            tuple(row[f"{name}/{column}"] for column in columns[name])
            for row in dataset.records(name)
        ]

    columns = {
        "splits": ("name", "num_examples"),
        "labels": ("index", "name"),
        "coarse_labels": ("index", "name"),
    }
    assert sorted(rows("splits")) == [("test", 5), ("train", 7)]
    assert sorted(rows("labels")) == [(0, "Käfer"), (1, 'a "b"'), (2, "c")]
    assert sorted(rows("coarse_labels")) == [(0, "big"), (1, "small")]
    (examples,) = [one for one in dataset.metadata.record_sets if one.id == "examples"]
    refers = {
        field.name: field.references.field
        for field in examples.fields
        if field.references
    }
    assert refers == {
        "split": "splits/name",
        "label": "labels/index",
        "coarse_label": "coarse_labels/index",
    }


def test_every_file_is_named_with_its_checksum_and_split(prepared):
    described = json.loads((prepared / "croissant.json").read_text("utf-8"))
    assert (described["name"], described["version"]) == ("mine", "1.0.0")
    *files, together = described["distribution"]
    there = {file.name: file.read_bytes() for file in prepared.glob("*.tfrecord*")}
    assert {one["contentUrl"]: one["sha256"] for one in files} == {
        name: hashlib.sha256(content).hexdigest() for name, content in there.items()
    }
    for one in files:
        assert one["contentSize"] == f"{len(there[one['contentUrl']])} B"
    assert [one["@id"] for one in together["containedIn"]] == [
        one["@id"] for one in files
    ]
    (examples,) = [one for one in described["recordSet"] if one["@id"] == "examples"]
    by_name = {field["name"]: field["source"] for field in examples["field"]}
    regex = by_name["split"]["transform"]["regex"]
    assert {re.search(regex, name)[1] for name in there} == {"train", "test"}


def test_the_set_opens_as_before(prepared):
    source = load("mine", dir=str(prepared.parents[1]))
    assert (len(source.train), len(source.test)) == (7, 5)
