"""Where a user has no home folder, as in a container that runs under a bare number."""

import pwd
from pathlib import Path

import pytest

from ltpa_tf import compile_cache, data
from ltpa_tf.data.prepare import prepare
from ltpa_tf.errors import SettingError
from ltpa_tf.home import expanded


@pytest.fixture
def homeless(monkeypatch):
    for name in ("HOME", "LTPA_CACHE_DIR", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)

    def nobody(number):
        raise KeyError(number)

    monkeypatch.setattr(pwd, "getpwuid", nobody)


def test_only_what_needs_a_home_misses_it(homeless, tmp_path):
    assert expanded("/data", "data.dir") == Path("/data")
    with pytest.raises(SettingError, match="data.dir: .*no home.*Received: '~/x'"):
        expanded("~/x", "data.dir")
    assert compile_cache._root() is None
    with pytest.raises(SettingError, match="--source: .*no home.*Received: '~/x'"):
        prepare("~/x", "mine", str(tmp_path))
    with pytest.raises(SettingError, match=f"data.name: .*{tmp_path.name}"):
        data.load("cifar10", dir=str(tmp_path))


def test_with_a_home_it_is_spelled_out(monkeypatch):
    monkeypatch.setenv("HOME", "/home/me")
    assert expanded("~/x", "data.dir") == Path("/home/me/x")
