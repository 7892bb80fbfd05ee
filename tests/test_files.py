import pytest

from ltpa_tf.files import write_json, write_text, written_aside


def test_a_file_is_there_when_it_is_whole(tmp_path):
    file = tmp_path / "model.keras"
    file.write_text("old")
    with written_aside(file) as aside:
        aside.write_text("new")
        assert aside.suffix == ".keras"
        assert file.read_text() == "old"
    assert file.read_text() == "new"
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize("before", [[], ["old"]])
def test_an_error_leaves_everything_as_it_was(tmp_path, before):
    file = tmp_path / "summary.json"
    for text in before:
        file.write_text(text)
    with pytest.raises(OSError, match="full"), written_aside(file) as aside:
        aside.write_text("half")
        raise OSError("full")
    assert [file.read_text() for file in tmp_path.iterdir()] == before


def test_what_a_killed_process_left_is_replaced(tmp_path):
    file = tmp_path / "best.keras"
    with written_aside(file, alone=True) as aside:
        aside.write_text("whole")
    aside.write_text("half")
    with written_aside(file, alone=True) as again:
        again.write_text("whole")
    assert list(tmp_path.iterdir()) == [file]


def test_text_is_replaced_whole_or_not_at_all(tmp_path):
    file = tmp_path / "a.json"
    write_json(file, {"a": 1})
    with pytest.raises(TypeError):
        write_json(file, {"a": object()})
    with pytest.raises(UnicodeEncodeError):
        write_text(file, "half \ud800")
    assert file.read_text() == '{\n  "a": 1\n}\n'
    assert list(tmp_path.iterdir()) == [file]
