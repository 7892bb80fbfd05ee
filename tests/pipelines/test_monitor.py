"""The program that watches for drift: its exit codes and what it writes."""

import json

import pytest

from ltpa_tf import run, serving
from ltpa_tf.serving import warmup


@pytest.fixture(scope="module")
def digits_export(digits_run_once, tmp_path_factory):
    base = tmp_path_factory.mktemp("exports") / "digits"
    serving.export_run(run.RunFolder(digits_run_once), base)
    return base


def test_exit_codes_and_files(start, digits_export, tmp_path):
    reference = json.loads((digits_export / "1/reference.json").read_text())
    assert len(reference) == 2000  # the whole test part
    log = tmp_path / "requests.jsonl"
    log.write_text("".join(json.dumps(one) + "\n" for one in reference))
    flag = f"--model_dir={digits_export}"
    done = start("monitor", flag, f"--requests={log}")
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("looks as before\n")

    noise = digits_export / "1" / warmup.FILE
    done = start("monitor", flag, f"--requests={noise}", f"--output={tmp_path / 'out'}")
    assert done.returncode == 3, done.stderr
    written = json.loads((tmp_path / "out/monitor.json").read_text())
    assert done.stdout.endswith(f"shifted: {'; '.join(written['shifted'])}\n")
    page = (tmp_path / "out/monitor.html").read_text()
    assert all(one["measure"] in page for one in written["measures"])
    assert "http" not in page


def test_an_export_without_the_test_images_is_a_setting(start, exported):
    done = start("monitor", f"--model_dir={exported}", "--requests=nothing")
    assert done.returncode == 2
    assert "export the run again" in done.stderr and done.stderr.count("\n") == 1
