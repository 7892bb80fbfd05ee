"""The report holds what it promises, in HTML that stands alone and is safe."""

import base64
import io
import json
import re
import shutil
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image

from ltpa_tf import data, models
from ltpa_tf.errors import SettingError
from ltpa_tf.evaluation import evaluate_run
from ltpa_tf.explain import Explanation, upsample
from ltpa_tf.report import write_report
from ltpa_tf.report.gallery import gallery
from ltpa_tf.report.html import bar, fill, table
from ltpa_tf.report.pictures import data_uri, overlay
from ltpa_tf.run import RunFolder

PARTS = (
    *("summary", "training", "classes", "calibration", "gallery", "mistakes", "maps"),
    "further",
)
_VOID = {"meta", "img", "br", "hr", "link", "input"}


class Page(HTMLParser):
    """What is in an HTML text.

    Attributes:
        elements: (name, attributes, text inside) of every element, in order of its end.
    """

    def __init__(self, text: str):
        super().__init__()
        self.elements: list[tuple[str, dict, str]] = []
        self._open: list[tuple[str, dict, list[str]]] = []
        self.feed(text)
        self.close()
        assert not self._open, f"not closed: {[name for name, *_ in self._open]}"

    def handle_starttag(self, tag, attrs):
        if tag in _VOID:
            self.elements.append((tag, dict(attrs), ""))
        else:
            self._open.append((tag, dict(attrs), []))

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs), ""))

    def handle_endtag(self, tag):
        name, attributes, texts = self._open.pop()
        assert name == tag, f"</{tag}> ends <{name}>"
        self.elements.append((name, attributes, "".join(texts)))

    def handle_data(self, data):
        for _, _, texts in self._open:
            texts.append(data)

    def all(self, name: str, **attributes: str) -> list[tuple[dict, str]]:
        """Attributes and text of the elements of this name and these attributes."""
        return [
            (found, " ".join(text.split()))
            for tag, found, text in self.elements
            if tag == name and attributes.items() <= found.items()
        ]


@pytest.fixture(scope="module")
def html(page):
    return Page(page.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def result(run):
    return json.loads(run.evaluation_file.read_text())


@pytest.fixture(scope="module")
def names(run):
    return run.read_dataset()["class_names"]


def section(html, name):
    ((_, text),) = html.all("section", id=name)
    return text


def test_every_part_is_there_and_is_linked_to(html):
    for name in (*PARTS, "card"):
        assert section(html, name)
        assert html.all("a", href=f"#{name}")
    assert "not measured" not in section(html, "maps").lower()
    assert len(html.all("h1")) == 1


def test_nothing_is_asked_of_anyone(page, html):
    text = page.read_text(encoding="utf-8")
    for _, attributes, _ in html.elements:
        for name in ("src", "href", "xlink:href", "srcset", "data", "action", "poster"):
            value = attributes.get(name) or ""
            assert re.match("data:image/|#|$", value), (name, value)
    assert not {"script", "link", "iframe", "object", "base"} & {
        name for name, *_ in html.elements
    }
    ((_, style),) = html.all("style")
    assert "@import" not in style
    for address in re.findall(r"url\((.*?)\)", text):
        assert address.startswith("#")


def test_names_are_text_wherever_they_stand(html, run, names):
    assert not html.all("b")
    assert {attributes.get("class") for attributes, _ in html.all("i")} <= {"box"}
    assert html.all("h1") == [({}, f"{run.path.name}: report")]
    for part in ("classes", "card"):
        for name in names[:4]:
            assert name.replace("`", "") in section(html, part).replace("`", "")
    for attributes, _ in html.all("img"):
        assert attributes["src"].startswith("data:image/png;base64,")
        assert attributes["alt"]


def test_pictures_are_the_images_and_their_maps(html, run, examples, result):
    pictures = [
        (a["alt"], np.asarray(Image.open(io.BytesIO(base64.b64decode(a["src"][22:])))))
        for a, _ in html.all("img")
        if a["alt"].startswith("test ")
    ]
    assert {pixels.shape for _, pixels in pictures} == {(32, 32, 3)}
    maps = 1 + 5 + 4 + 1  # image, attention, evidence, Grad-CAM
    mistakes = [f"test {one['index']}" for one in result["mistakes"]]
    assert len(pictures) == maps * (2 + len(mistakes))
    shown = [alt.partition(",")[0] for alt, _ in pictures[::maps]]
    assert shown == ["test 5", "test 59", *mistakes]
    np.testing.assert_array_equal(pictures[0][1], examples.array[5])
    grids = models.grids(model := run.load_model(), (32, 32))
    level = models.attention_model(model)(examples.array[5:6])["level_2"][0]
    expected = overlay(examples.array[5], upsample(level, (32, 32), grids["level_2"]))
    assert pictures[1][0].endswith(": attention 2")
    assert np.abs(pictures[1][1].astype(int) - expected).max() <= 1


def test_boxes_lie_where_the_objects_are():
    image = np.zeros((20, 40, 3), np.uint8)
    item = Explanation(image, np.array([0.25, 0.75]), {}, label=1, box=(5, 10, 15, 20))
    html = Page(gallery([item], ("a", "b")))
    ((attributes, _),) = html.all("i")
    assert attributes["style"] == ("left:25.00%;top:25.00%;width:25.00%;height:50.00%")
    assert "✓ b" in html.all("h3")[0][1]


def test_numbers_are_those_of_the_evaluation(html, result):
    assert f"{result['top1']:.2%}" in section(html, "summary")
    assert f"{result['ece']:.2%}" in section(html, "calibration")
    for count in result["reliability"]["count"]:
        assert not count or f" {count:,} " in section(html, "calibration")
    cells = [text for _, text in html.all("span") if text.isdigit()]
    confusion = np.array(result["confusion"])
    assert list(map(int, cells[: (confusion > 0).sum()])) == [
        count for count in confusion.ravel() if count
    ]
    shown = section(html, "maps")
    for of_method in result["maps"]["methods"].values():
        for name, measures in of_method.items():
            for key in ("deletion", "road_lerf", "mu_fidelity"):
                mean, low, high = measures[key]
                row = f"{name.replace('_', ' ')} {mean:.3f} {low:.3f} to {high:.3f}"
                assert row in shown


def test_what_was_asked_for_beyond_maps_is_shown(run, html, result, tmp_path):
    shown = section(html, "further")
    for flag in ("--robustness", "--swap_global", "--transfer=NAME:DIR"):
        assert f"wasn't measured: {flag} of" in shown
    agreement = result["maps"]["agreement"]
    for name, others in agreement.items():
        means = [f"{others[k][0]:.2f}" for k in agreement if k != name]
        row = " ".join([name.replace("_", " "), *means])
        assert row in section(html, "maps")

    measured = RunFolder(shutil.copytree(run.path, tmp_path / "run"))
    evaluate_run(measured, swap=True, attack=True, map_examples=4)
    found = json.loads(measured.evaluation_file.read_text())
    found["transfer"] = {"<other>": {"accuracy": {"all": [0.25, 0.125, 0.5]}}}
    measured.evaluation_file.write_text(json.dumps(found))
    shown = section(Page(write_report(measured, count=1).read_text()), "further")
    assert "wasn't measured" not in shown
    for change in found["robustness"].keys() - {"examples"}:
        accuracy, low, high = found["robustness"][change]["accuracy"]
        name = change.replace("_", " ")
        assert f"{name} {accuracy:.3f} {low:.3f} to {high:.3f}" in shown
    moved = found["global_feature"]["own_image"]["level_4"]["moved"][0]
    assert f"(another image altogether) {moved:.3f}" in shown
    assert "level 4 share of the map that moves; by its formula none can" in shown
    assert "<other>" in shown and "all 0.250 0.125 to 0.500" in shown


def test_tables_say_what_rows_and_columns_are(html):
    assert len(html.all("table")) > 10
    assert len(html.all("caption")) >= len(html.all("table")) - 2  # the card has two
    for attributes, text in html.all("th"):
        assert text or attributes == {"scope": "row"}
    for attributes, _ in html.all("svg"):
        assert attributes.get("aria-label") or attributes.get("aria-hidden") == "true"


def test_curves_are_of_the_whole_training(html):
    said = [a["aria-label"] for a, _ in html.all("svg", role="img")]
    assert "Loss by epoch; at the end: training 1.25, validation 1.5" in said
    assert "Entropy of the maps (1: flat) by epoch; at the end: level 4 0.5" in said


def test_what_is_not_measured_is_said_with_the_command(bare_run, tmp_path):
    folder = shutil.copytree(bare_run.path, tmp_path / bare_run.path.name)
    text = write_report(RunFolder(folder), count=1, maps=["evidence"]).read_text()
    html = Page(text)
    for name in ("classes", "calibration", "mistakes", "maps"):
        shown = section(html, name)
        assert "python -m pipelines.evaluate" in shown
        assert f"'--workdir={folder}'" in shown
        assert "--maps=evidence" in shown
    assert "not evaluated" in section(html, "summary")


def test_the_card_says_what_is_done_with_files_of_this_run(bare_run, tmp_path):
    run = RunFolder(shutil.copytree(bare_run.path, tmp_path / "run"))
    known = run.read_dataset()
    known["preprocessing"] |= {"aspect": "pad", "background": [1, 2, 3]}
    run.dataset_file.write_text(json.dumps(known))
    html = Page(write_report(run, count=1, maps=["evidence"]).read_text())
    said = " ".join(section(html, "card").split())
    assert "as large as they fit, in the middle between borders" in said
    assert "on the colour (1, 2, 3)" in said


def test_a_model_without_attention_shows_what_it_can(run, tmp_path):
    shutil.copytree(run.path, tmp_path / "run")
    plain = RunFolder(tmp_path / "run")
    models.build("vgg_gap", trunk="vgg_d", width=1 / 16, num_classes=4).save(
        plain.model_file
    )
    html = Page(write_report(plain, count=2).read_text())
    said = {text for _, text in html.all("figcaption")}
    assert said == {"image", "gradcam"}


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"maps": ["grad_cam"]}, "gradcam"),
        ({"maps": []}, "attention, evidence"),
        ({"maps": ["gradcam@nowhere"]}, "a layer with positions"),
        ({"count": 61}, "1 to 60"),
        ({"indices": [60]}, "0 to 59"),
        ({"weights": "best"}, "best.keras"),
    ],
)
def test_mistakes_are_sentences_and_leave_the_report(run, page, settings, said):
    before = page.read_bytes()
    with pytest.raises(SettingError, match=re.escape(said)):
        write_report(run, **settings)
    assert page.read_bytes() == before


def test_a_run_without_a_model_is_a_sentence(bare_run, tmp_path):
    shutil.copytree(bare_run.path, tmp_path / "run")
    (tmp_path / "run" / "model.keras").unlink()
    with pytest.raises(SettingError, match="start train.py on it again"):
        write_report(RunFolder(tmp_path / "run"))


def test_of_few_test_images_all_are_shown(bare_run, tmp_path, monkeypatch):
    folder = RunFolder(shutil.copytree(bare_run.path, tmp_path / "run"))
    whole = folder.load_split("test")
    few = data.array_split(whole.array[:3], whole.labels[:3])
    monkeypatch.setattr(RunFolder, "load_split", lambda *_: few)
    html = Page(write_report(folder, maps=["evidence"]).read_text())
    captions = [text for _, text in html.all("figcaption")]
    assert captions.count("image") == 3


def test_what_is_no_html_is_escaped():
    assert fill("<p>{}</p>", fill("<b>{}</b>", "<&\"'")) == (
        "<p><b>&lt;&amp;&#34;&#39;</b></p>"
    )
    assert "<td>&lt;i&gt;</td>" in table("a<b", ("",), [("x", "<i>")])


def test_a_bar_begins_at_0_on_either_side():
    assert 'x="25.0" y="1" width="50.0"' in bar(2, 1, 3, (-1, 3))
    assert 'x="12.5" y="1" width="12.5"' in bar(-0.5, -1, 0, (-1, 3))
    assert 'x="0.0" y="4" width="25.0"' in bar(-0.5, -1, 0, (-1, 3))


def test_signs_have_colours_of_their_own_and_flat_maps_none():
    image = np.full((4, 4, 3), 100, np.uint8)
    values = np.zeros((4, 4))
    flat = overlay(image, values + 3)
    np.testing.assert_array_equal(flat, overlay(image, values))
    assert len(np.unique(flat)) == 1
    values[0, 0], values[3, 3] = 1, -1
    coloured = overlay(image, values).astype(int)
    red, green, blue = coloured[0, 0]
    assert red > blue
    red, green, blue = coloured[3, 3]
    assert max(green, blue) > red
    np.testing.assert_array_equal(coloured[1:3], flat[1:3])


def test_large_images_become_small_ones():
    uri = data_uri(np.zeros((400, 200, 3), np.uint8))
    with Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2]))) as picture:
        assert picture.size == (80, 160)
