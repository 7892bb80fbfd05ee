#!/usr/bin/env bash
# grain's IndexSampler says that shuffle=True shuffles the data set globally. With several
# processes it first cuts the data into consecutive stretches and then shuffles each for
# itself: in no epoch does a process see an image of another's. Without drop_remainder, in
# addition, short stretches go on into the next epoch while long ones aren't through.
#
# Why it matters: image folders and many files of records are sorted by class. Each of two
# processes then trains on half of the classes for good; batch normalization of a replica
# and metrics of a process are those of its classes.
#
# Versions: grain 0.2.18.
# Expected: over epochs each process sees all images; in 3 epochs each image comes 3 times.
# Seen: of 10 classes in order, one process has 0 to 4, the other 5 to 9, in 50 epochs; 10
#   images on 3 processes come 2, 3 or 4 times in 3 epochs. Shuffled before cutting
#   (MapDataset.shuffle, then a slice), each process sees all.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile grain==0.2.18
"$folder/venv/bin/python" - <<'PYTHON'
from collections import Counter

import grain

classes = [image // 10 for image in range(100)]


def read(data, process, processes, epochs):
    sampler = grain.samplers.IndexSampler(
        len(data),
        shard_options=grain.sharding.ShardOptions(process, processes),
        shuffle=True,
        num_epochs=epochs,
        seed=0,
    )
    loader = grain.DataLoader(data_source=data, sampler=sampler, operations=[], worker_count=0)
    return [int(element) for element in loader]


for process in 0, 1:
    seen = read(classes, process, 2, epochs=50)
    shuffled = grain.MapDataset.source(classes).shuffle(seed=0).repeat(50)
    sliced = shuffled[process::2]
    other = [int(sliced[place]) for place in range(len(sliced))]
    print(f"process {process}, 50 epochs:", sorted(set(seen)), "| sliced:", sorted(set(other)))
    assert len(seen) == len(other) == 2500
    assert sorted(set(seen)) == list(range(5 * process, 5 * process + 5))
    assert sorted(set(other)) == list(range(10))

times = Counter()
for process in range(3):
    times.update(read(list(range(10)), process, 3, epochs=3))
print("10 images, 3 processes, 3 epochs: seen", *(times[image] for image in range(10)), "times")
assert sum(times.values()) == 30 and set(times.values()) == {2, 3, 4}
print("seen: a process keeps to its own stretch of the data")
PYTHON
