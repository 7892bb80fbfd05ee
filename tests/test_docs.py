"""What the documents name is there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DOCUMENTS = (
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    *(ROOT / "docs").glob("*.md"),
    *(ROOT / "docs/logs").glob("*.md"),
)
# A path in backticks, in a link or in a command: it begins with a folder of the
# repository, or is a Markdown link.
ROOMS = "configs|deploy|docs|findings|ltpa_tf|pipelines|saved_models|tests"
PATH = re.compile(rf"(?<![\w./-])((?:{ROOMS})/[\w./-]*\w/?)")
MODULE = re.compile(r"python -m ((?:pipelines|ltpa_tf)[\w.]+)")
LINK = re.compile(r"\]\((?!https?:|#|mailto:)([^)#\s]+)")
# What a user makes.
MADE = re.compile(r"saved_models/\w+/?$")


def paths_of(document: Path) -> set[Path]:
    """All paths of the repository that a document names."""
    text = document.read_text(encoding="utf-8")
    found = {ROOT / path for path in PATH.findall(text) if not MADE.match(path)}
    found |= {
        ROOT / f"{module.replace('.', '/')}.py" for module in MODULE.findall(text)
    }
    return found | {document.parent / link for link in LINK.findall(text)}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda file: file.name)
def test_every_path_exists(document):
    missing = [str(path) for path in paths_of(document) if not path.exists()]
    assert not missing


def test_every_log_is_said_what_it_is():
    logs = ROOT / "docs/logs"
    named = set(re.findall(r"`([\w.-]+)`", (logs / "README.md").read_text()))
    files = {f.name for f in logs.iterdir() if f.suffix != ".md"}
    assert files <= named
    assert {n for n in named if n.endswith((".log", ".jsonl", ".json"))} <= files


def test_a_path_that_is_not_there_is_found(tmp_path):
    text = "`ltpa_tf/nothing.py`, [here](other.md), `python -m pipelines.nothing`"
    document = tmp_path / "document.md"
    document.write_text(text)
    assert paths_of(document) == {
        ROOT / "ltpa_tf/nothing.py",
        ROOT / "pipelines/nothing.py",
        tmp_path / "other.md",
    }


def test_the_table_of_training_names_its_files():
    text = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    table = "".join(re.findall(r"^\| `.*?\|", text, re.MULTILINE))
    files = {file.name for file in (ROOT / "ltpa_tf/training").glob("*.py")}
    assert {*re.findall(r"`(\w+\.py)`", table)} == files - {"__init__.py"}


def snippet_of(document: str) -> str:
    text = (ROOT / document).read_text(encoding="utf-8")
    (snippet,) = re.findall(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    return snippet


@pytest.mark.slow
def test_readme_s_snippet_runs():
    snippet = snippet_of("README.md")
    short = snippet.replace("steps_per_epoch=150, epochs=5", "steps_per_epoch=2")
    assert short != snippet
    made = {}
    exec(short, made)
    assert tuple(made["maps"].shape) == (8, 8, 8)


@pytest.mark.slow
def test_the_snippet_about_backbones_runs():
    made = {}
    exec(snippet_of("docs/backbones.md"), made)
    assert tuple(made["maps"].shape) == (8, 12, 12)
