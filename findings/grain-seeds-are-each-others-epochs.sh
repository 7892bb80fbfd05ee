#!/usr/bin/env bash
# grain adds the epoch to the seed of a shuffle, and the position to the seed of a random
# transformation. Seed 1 is therefore seed 0 an epoch later, and in a DataLoader the
# augmentation of one seed is that of the other, moved by one image.
#
# Why it matters: runs are repeated with the seeds 0, 1, 2 to see how much a figure depends
# on chance. Over 30 epochs those runs see 29 of 30 orders and all but one or two of their
# random numbers in common; their spread says too little.
#
# Versions: grain 0.2.18.
# Expected: different seeds have nothing in common.
# Seen: the second epoch of seed 0 is the first of seed 1; draws 1 to 5 of seed 0 are draws
#   0 to 4 of seed 1. Seeds set by MapDataset.seed() are hashed first and don't do it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile grain==0.2.18
"$folder/venv/bin/python" - <<'PYTHON'
import grain


def orders(seed, hashed=False, epochs=3):
    data = grain.MapDataset.range(8)
    data = data.seed(seed).shuffle() if hashed else data.shuffle(seed=seed)
    return [[data[8 * epoch + place] for place in range(8)] for epoch in range(epochs)]


class Draw(grain.transforms.RandomMap):
    def random_map(self, element, rng):
        return round(float(rng.random()), 3)


def draws(seed):
    sampler = grain.samplers.IndexSampler(6, shuffle=False, num_epochs=1, seed=seed)
    data = list(range(6))
    return list(
        grain.DataLoader(data_source=data, sampler=sampler, operations=[Draw()], worker_count=0)
    )


for seed in 0, 1:
    print(f"orders of seed {seed}:", *("".join(map(str, order)) for order in orders(seed)))
for seed in 0, 1:
    print(f"draws of seed {seed}: ", *draws(seed))
assert orders(0)[1:] == orders(1)[:-1]
assert draws(0)[1:] == draws(1)[:-1]
assert len(set(draws(0))) == 6
both = [tuple(order) for order in orders(0, hashed=True) + orders(1, hashed=True)]
assert len(set(both)) == 6
print("seen: seed 1 is seed 0 an epoch, or an image, later")
PYTHON
