"""A prepared data set as other tools know one: MLCommons' Croissant, version 1.0.

https://docs.mlcommons.org/croissant/docs/croissant-spec.html
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import tensorflow_datasets as tfds

from ltpa_tf.files import sha256, written_aside

FILE = "croissant.json"

# What the specification has each file begin with.
_CONTEXT = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileProperty": "cr:fileProperty",
    "fileObject": "cr:fileObject",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}
_FORMAT = "application/x-tfrecord"
_TYPES = {
    tfds.features.BBoxFeature: "cr:BoundingBox",
    tfds.features.ClassLabel: ["sc:Integer", "cr:Label"],
    tfds.features.Image: "sc:ImageObject",
    tfds.features.Text: "sc:Text",
}


def write_croissant(info: tfds.core.DatasetInfo, folder: Path) -> None:
    """Writes `croissant.json` beside the files of a data set.

    It has each file's size and SHA-256; the examples as one record set, whose labels
    refer to one of the classes and whose split to one of the splits and their sizes.

    Args:
        info: Of the data set, which is complete.
        folder: Where its files are.
    """
    with written_aside(folder / FILE) as aside:
        text = json.dumps(describe(info, folder), indent=1, ensure_ascii=False)
        aside.write_text(text + "\n", encoding="utf-8")


def describe(info: tfds.core.DatasetInfo, folder: Path) -> dict:
    """What `write_croissant` writes."""
    files = [
        folder / name for split in info.splits.values() for name in split.filenames
    ]
    labels = {
        name: feature.names
        for name, feature in info.features.items()
        if isinstance(feature, tfds.features.ClassLabel)
    }
    return {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "name": info.name,
        "description": info.description,
        "version": str(info.version),
        "distribution": [*map(_file, files), _all_files(files)],
        "recordSet": [
            _table(
                "splits",
                "cr:Split",
                {
                    "name": [str(name) for name in info.splits],
                    "num_examples": [one.num_examples for one in info.splits.values()],
                },
            ),
            *[
                _table(
                    f"{name}s",
                    "sc:Enumeration",
                    {"name": names, "index": list(range(len(names)))},
                )
                for name, names in labels.items()
            ],
            _examples(info),
        ],
    }


def _file(file: Path) -> dict:
    return {
        "@type": "cr:FileObject",
        "@id": file.name,
        "name": file.name,
        "contentUrl": file.name,
        "contentSize": f"{file.stat().st_size} B",
        "encodingFormat": _FORMAT,
        "sha256": sha256(file),
    }


def _all_files(files: Sequence[Path]) -> dict:
    return {
        "@type": "cr:FileSet",
        "@id": "records",
        "name": "records",
        "description": "TFRecord files of tf.train.Example; tfds.load reads them.",
        "containedIn": [{"@id": file.name} for file in files],
        "encodingFormat": _FORMAT,
        "includes": "*.tfrecord-*",
    }


def _table(name: str, kind: str, columns: Mapping[str, Sequence]) -> dict:
    """A record set whose rows are in the description itself; the first is its key."""
    fields = [f"{name}/{column}" for column in columns]
    rows = zip(*columns.values(), strict=True)
    return {
        "@type": "cr:RecordSet",
        "@id": name,
        "name": name,
        "dataType": kind,
        "key": {"@id": fields[0]},
        "field": [
            {
                "@type": "cr:Field",
                "@id": field,
                "name": column,
                "dataType": "sc:Text" if column == "name" else "sc:Integer",
            }
            for field, column in zip(fields, columns, strict=True)
        ],
        "data": [dict(zip(fields, row, strict=True)) for row in rows],
    }


def _examples(info: tfds.core.DatasetInfo) -> dict:
    splits = "|".join(info.splits)
    split = {
        "@type": "cr:Field",
        "@id": "examples/split",
        "name": "split",
        "dataType": "sc:Text",
        "references": {"field": {"@id": "splits/name"}},
        "source": {
            "fileSet": {"@id": "records"},
            "extract": {"fileProperty": "filename"},
            "transform": {"regex": rf"-({splits})\.tfrecord-"},
        },
    }
    fields = [_field(name, feature) for name, feature in info.features.items()]
    return {
        "@type": "cr:RecordSet",
        "@id": "examples",
        "name": "examples",
        "key": {"@id": "examples/id"},
        "field": [split, *fields],
    }


def _field(name: str, feature: tfds.features.FeatureConnector) -> dict:
    field = {
        "@type": "cr:Field",
        "@id": f"examples/{name}",
        "name": name,
        "dataType": _TYPES[type(feature)],
        "source": {"fileSet": {"@id": "records"}, "extract": {"column": name}},
    }
    if isinstance(feature, tfds.features.ClassLabel):
        field["references"] = {"field": {"@id": f"{name}s/index"}}
    return field
