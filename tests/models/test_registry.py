"""The table of named models."""

import numpy as np
import pytest

from ltpa_tf.errors import SettingError
from ltpa_tf.models import AttentionVGG, build, levels_of, list_models, resolve, rows

# As the paper's tables name them.
PAPER = {
    "vgg_att_dp": (13,),
    "vgg_att_pc": (13,),
    "vgg_att2_indep_dp": (10, 13),
    "vgg_att2_concat_dp": (10, 13),
    "vgg_att2_indep_pc": (10, 13),
    "vgg_att2_concat_pc": (10, 13),
    "vgg_att3_concat_pc": (7, 10, 13),
}


def test_the_papers_rows_are_there():
    assert {"vgg", "vgg_gap", "vgg_none", *PAPER} <= set(rows())
    for name, levels in PAPER.items():
        row = rows()[name]
        assert row["levels"] == levels
        assert row["compatibility"] == name.rsplit("_", 1)[1]
        assert row["head"] == ("indep" if "indep" in name else "concat")
        assert (row["trunk"], row["normalization"]) == ("paper", "softmax")


@pytest.mark.parametrize("name", list_models())
def test_every_row_is_built(name):
    shallow = {"depth": 11} if "depth" in rows()[name] else {}
    model = build(name, num_classes=7, width=1 / 64, **shallow)
    assert model.name == name
    assert levels_of(model) == rows()[name].get("levels", ())
    assert model(np.zeros((2, 32, 32, 3))).shape == (2, 7)


def test_models_are_listed_by_pattern():
    assert list_models() == list(rows())
    assert list_models("vgg_att2_*_pc") == ["vgg_att2_concat_pc", "vgg_att2_indep_pc"]
    assert list_models("densenet*") == []


def test_rows_are_the_callers_own():
    rows()["vgg"]["levels"] = (1,)
    assert rows()["vgg"]["levels"] == ()


def test_resolve_gives_all_that_the_builder_takes():
    settings = resolve("vgg_att2_concat_pc", levels=[13, 4], width=1 / 64)
    assert settings["levels"] == (4, 13)
    assert settings["width"] == 1 / 64
    assert settings["tap"] == "before_pool"
    assert levels_of(AttentionVGG(**settings)) == (4, 13)
    assert resolve("vgg_att2_concat_pc", **settings) == settings


def test_a_mistyped_row_is_answered_with_the_nearest():
    with pytest.raises(
        SettingError, match="vgg_att3_concat_pc.*Received: 'vgg_att3_pc'"
    ):
        resolve("vgg_att3_pc")


def test_a_name_like_none_is_answered_with_all():
    with pytest.raises(SettingError, match="vgg, vgg_none, vgg_gap, vgg_att_pc"):
        resolve("xyz")


def test_an_unknown_argument_is_answered_with_the_known():
    with pytest.raises(
        SettingError,
        match="depth: expected none, for vgg, which takes trunk, l.*Received: 3",
    ):
        build("vgg", depth=3)


def test_an_override_is_checked():
    with pytest.raises(SettingError, match="levels: .*Received: 14"):
        resolve("vgg_att_pc", levels=(14,))
