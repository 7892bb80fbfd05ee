#!/usr/bin/env bash
# imagededup's evaluate sorts what was retrieved and takes that for the ideal of NDCG, not
# the ground truth: duplicates that were missed cost nothing.
#
# Why it matters: the hash or threshold to clean a training set with is chosen by it. Strict
# ones that miss most duplicates reach 1, above thorough ones that find all of them and a
# wrong file. What was missed stays in the set, across its splits.
#
# Versions: imagededup 0.3.3.post2, torch 2.14.1, torchvision 0.29.1, scikit-learn 1.9.1,
#   numpy 2.3.5.
# Expected: the gains over those of the ground truth in ideal order; or, at k, scikit-learn's
#   ndcg_score for as many places as were filled.
# Seen: 1.0 for two of four found, which is 0.637; after a wrong one 0.693, which is 0.441,
#   or 0.531 at k; all four after a wrong one have 0.761.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile imagededup==0.3.3.post2 torch==2.14.1 \
    torchvision==0.29.1 scikit-learn==1.9.1 numpy==2.3.5
cd "$folder"
venv/bin/python - 2>log <<'PYTHON' || { cat log; exit 1; }
import numpy as np
from imagededup.evaluation import evaluate
from sklearn.metrics import ndcg_score

# Files 0 to 4 show one picture, files 5 to 9 another.
truth = {i: [j for j in range(10) if j != i and j // 5 == i // 5] for i in range(10)}


def gain(relevance):
    """The discounted gain of a list of ones and zeros."""
    return sum(one / np.log2(2 + place) for place, one in enumerate(relevance))


def show(text, found):
    """NDCG by imagededup, against the whole ground truth and at as many places as filled."""
    seen = float(evaluate(truth, found, metric="ndcg")["ndcg"])
    whole, at_k = [], []
    for i in range(10):
        relevance = [float(j in truth[i]) for j in found[i]]
        whole.append(gain(relevance) / gain([1] * len(truth[i])))
        rest = [j for j in range(10) if j != i and j not in found[i]]
        everything = relevance + [float(j in truth[i]) for j in rest]
        at_k.append(ndcg_score([everything], [range(9, 0, -1)], k=len(relevance)))
    whole, at_k = np.mean(whole), np.mean(at_k)
    print(f"{text}: {seen:.3f}, expected {whole:.3f}, at k {at_k:.3f}")
    return seen, whole, at_k


def neighbour(i, step):
    """Another file of the same picture."""
    return i // 5 * 5 + (i + step) % 5


assert np.allclose(show("all found", truth), 1)
thorough = {i: [(i + 5) % 10] + truth[i] for i in range(10)}
strict = {i: [neighbour(i, 1), neighbour(i, -1)] for i in range(10)}
seen_thorough, whole, _ = show("all found, after a wrong one", thorough)
assert abs(seen_thorough - whole) < 1e-6
seen_strict, whole_strict, _ = show("two of four found", strict)
assert abs(seen_strict - 1) < 1e-6 and abs(whole_strict - 0.637) < 1e-3
assert whole_strict < whole and seen_strict > seen_thorough

late = {i: [(i + 5) % 10, neighbour(i, 1), neighbour(i, -1)] for i in range(10)}
seen, whole, at_k = show("two of four, after a wrong one", late)
assert seen > at_k + 0.1 and seen > whole + 0.1
print("seen: the ideal is made of what was found")
PYTHON
