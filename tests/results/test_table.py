"""Means, paired differences and the page, against numbers worked out by hand."""

import pytest

from ltpa_tf.results.campaign import Trial
from ltpa_tf.results.table import page, paired


def result(trial, seed, top1):
    test = {"examples": 100, "top1": top1, "top5": 0.9, "nll": 1.5, "ece": 0.02}
    return {
        "trial": trial.name,
        "seed": seed,
        "test": test,
        "parameters": 2_500_000,
        "seconds": 10.0,
    }


def test_paired_differences():
    # Differences 1, 2, 3: mean 2, deviation 1, t(0.975, 2) = 4.302653.
    found = paired({0: 2.0, 1: 4.0, 2: 6.0, 7: 0.0}, {0: 1.0, 1: 2.0, 2: 3.0, 9: 5.0})
    assert (found.mean, found.seeds) == (2.0, 3)
    assert found.low == pytest.approx(2 - 4.302653 / 3**0.5, abs=1e-6)
    assert found.high == pytest.approx(2 + 4.302653 / 3**0.5, abs=1e-6)
    assert not found.sure
    alike = paired({0: 2.0, 1: 4.1}, {0: 1.0, 1: 3.0})
    assert alike.sure == (alike.low > 0)
    assert paired({0: 1.0}, {1: 1.0}) is None
    assert paired({0: 1.0}, {0: 3.0}).low is None


def test_the_page_has_a_line_for_each_trained_trial_and_an_answer():
    control = Trial("cifar10", "vgg_none")
    attention = Trial("cifar10", "vgg_att_pc", "sigmoid", {"model.a": 1})
    longer = Trial("cifar10", "vgg_none", "longer", {"train.epochs": 60})
    untrained = Trial("cifar10", "vgg")
    text = page(
        [
            result(control, 0, 0.90),
            result(control, 1, 0.92),
            result(attention, 0, 0.91),
            result(attention, 1, 0.93),
            result(longer, 0, 0.94),
        ],
        [untrained, control, attention, longer],
        {
            ("cifar10", "vgg_none"): {"paper": 7.77},
            ("cifar10", "vgg_att_pc"): {"paper": 1.0},
        },
        [("Does attention help?", attention.name, control.name)],
    )
    assert "| vgg |" not in text
    assert "| vgg_none | 9.00 ± 1.41 | 7.77 | 10.00 ± 0.00 | 1.500 ± 0.000 |" in text
    assert "six views" not in text
    # What differs from the published row doesn't stand beside its figure.
    assert "| vgg_att_pc, sigmoid | 8.00 ± 1.41 |  | 10.00" in text
    # What only trains it by another recipe does.
    assert "| vgg_none, longer | 6.00 | 7.77 | 10.00" in text
    assert "| Does attention help? | -1.00 (-1.00 to -1.00), 2 seeds |" in text


def test_six_views_have_a_column_where_all_lines_were_tested_with_them():
    control = Trial("cifar10", "vgg_none")
    attention = Trial("cifar10", "vgg_att_pc")
    views = {"test_with_views": {"top1": 0.95}}
    results = [result(control, 0, 0.9), result(attention, 0, 0.92) | views]
    assert "six views" not in page(results, [control, attention], {}, [])
    text = page([results[0] | views, results[1]], [control, attention], {}, [])
    assert text.count("| seeds | error of six views, % |") == 1
    assert text.count("| 10 | 1 | 5.00 |") == 2
