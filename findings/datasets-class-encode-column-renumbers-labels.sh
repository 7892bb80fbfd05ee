#!/usr/bin/env bash
# datasets' class_encode_column makes a column of labels a ClassLabel. Integer labels are
# made text first and sorted as text, 10 before 2, and each label becomes its place there.
#
# Why it matters: train_test_split(stratify_by_column=...) asks for a ClassLabel, and this is
# the call that its error names. With up to ten classes nothing changes; from eleven on most
# labels are others afterwards. A model whose outputs were numbered by the data's own labels
# is then told to be wrong, and a test set that isn't encoded has other labels than the
# training set. A split that has not all of the classes is numbered in yet another way.
#
# Versions: datasets 5.2.0, numpy 2.3.5.
# Expected: integers keep their values, as cast_column to ClassLabel(num_classes=100) keeps
#   them.
# Seen: of 100 classes 88 have another number, 2 is 12; perfect predictions have an
#   accuracy of 12%.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile datasets==5.2.0 numpy==2.3.5
export HF_HOME="$folder/home" HF_HUB_OFFLINE=1 HF_DATASETS_DISABLE_PROGRESS_BARS=1
cd "$folder"
venv/bin/python - 2>log <<'PYTHON' || { cat log; exit 1; }
import numpy as np
from datasets import ClassLabel, Dataset, disable_progress_bars

disable_progress_bars()


def encoded(labels):
    data = Dataset.from_dict({"label": list(labels)})
    try:
        data.train_test_split(0.5, stratify_by_column="label")
    except ValueError as error:
        assert "ClassLabel" in str(error)
    return data.class_encode_column("label"), data


for classes in (10, 11, 100):
    labels = np.arange(classes).repeat(4)
    by_text, data = encoded(labels.tolist())
    seen = np.array(by_text["label"])
    kept = data.cast_column("label", ClassLabel(num_classes=classes))
    order = np.argsort(np.argsort(np.arange(classes).astype(str)))
    print(f"{classes:3} classes: 2 becomes {seen[8]:2}, accuracy {np.mean(seen == labels):.2f}")
    assert np.array_equal(np.array(kept["label"]), labels)
    assert np.array_equal(seen, order[labels])
    assert (seen == labels).all() == (classes == 10)
assert np.mean(seen == labels) == 0.12

some, _ = encoded(range(0, 100, 7))
print("every seventh label alone:", dict(zip(range(0, 100, 7), some["label"])))
assert some["label"] != seen[::28].tolist()
print("seen: labels are renumbered in the order of their text")
PYTHON
