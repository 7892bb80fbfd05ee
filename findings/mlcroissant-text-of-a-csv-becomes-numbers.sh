#!/usr/bin/env bash
# mlcroissant, MLCommons' reader of Croissant, guesses the types of a CSV file's columns
# before it looks at the declared ones: a column declared as text is first read as numbers.
#
# Why it matters: Croissant's types are there so that every tool reads the same records.
# Ids with leading zeros no longer name their image files, hexadecimal-looking hashes
# such as 1e3 are rewritten, and classes called NA, null or None are lost.
#
# Versions: mlcroissant 1.1.1, pandas 2.3.3, numpy 2.3.5.
# Expected: for a field of dataType sc:Text, the text that is in the file.
# Seen: "007" comes as b"7", and as b"7.0" where one other id looks like a float; the
#   class "NA" comes as None. Validation reports no error, and the checksum is right.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile mlcroissant==1.1.1 pandas==2.3.3 \
  numpy==2.3.5
cd "$folder"
venv/bin/python - 2>log <<'PYTHON' || { cat log; exit 1; }
import hashlib
import json
from pathlib import Path

import mlcroissant as mlc


def text_of(rows):
    """The records of a CSV file with an id and a class, both declared as text."""
    content = "id,class\n" + "".join(f"{one},{name}\n" for one, name in rows)
    Path("labels.csv").write_text(content)
    table = mlc.FileObject(
        id="labels.csv",
        name="labels.csv",
        content_url="labels.csv",
        encoding_formats=["text/csv"],
        sha256=hashlib.sha256(content.encode()).hexdigest(),
    )
    fields = [
        mlc.Field(
            id=f"examples/{name}",
            name=name,
            data_types=mlc.DataType.TEXT,
            source=mlc.Source(
                file_object="labels.csv", extract=mlc.Extract(column=name)
            ),
        )
        for name in ("id", "class")
    ]
    metadata = mlc.Metadata(
        name="countries",
        distribution=[table],
        record_sets=[mlc.RecordSet(id="examples", name="examples", fields=fields)],
    )
    assert not metadata.ctx.issues.errors
    Path("croissant.json").write_text(json.dumps(metadata.to_json()))
    dataset = mlc.Dataset("croissant.json")
    return [tuple(one.values()) for one in dataset.records("examples")]


letters = text_of([("a07", "DE"), ("a10", "FR")])
print("a07, a10:", letters)
numbers = text_of([("007", "DE"), ("010", "NA")])
print("007, 010:", numbers)
floats = text_of([("007", "DE"), ("1e3", "null")])
print("007, 1e3:", floats)
# a07, a10: [(b'a07', b'DE'), (b'a10', b'FR')]
# 007, 010: [(b'7', b'DE'), (b'10', None)]
# 007, 1e3: [(b'7.0', b'DE'), (b'1000.0', None)]
assert letters == [(b"a07", b"DE"), (b"a10", b"FR")]
assert numbers == [(b"7", b"DE"), (b"10", None)]
assert floats == [(b"7.0", b"DE"), (b"1000.0", None)]
print("seen: text that looks like a number comes as another text, NA as nothing")
PYTHON
