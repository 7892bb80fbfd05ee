"""The explorer in a real browser."""

import functools
import http.server
import io
import re
import threading
from pathlib import Path

import image_kinds
import numpy as np
import pytest
from light import small_batches
from PIL import Image

from ltpa_tf import serving
from ltpa_tf.serving.server import DevelopmentServer
from ltpa_tf.serving.server.pages import EXPLORER

PAGE = Path(__file__).parents[2] / "docs" / "images.md"

playwright = pytest.importorskip(
    "playwright.sync_api", reason="no playwright: pip install -e '.[browser]'"
)
expect = playwright.expect


@pytest.fixture
def server(development):
    return development


@pytest.fixture
def open_page(browser, server):
    """Opens the explorer; afterwards nothing may have gone wrong on the way."""
    contexts, wrong = [], []

    def open_page(address="/", allowed=(), **options):
        context = browser.new_context(**options)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: wrong.append(str(error)))
        hosts = (server.url, *allowed, "data:", "blob:")

        def seen(request):
            if not request.url.startswith(hosts):
                wrong.append(f"asked {request.url}")

        page.on("request", seen)
        page.goto(address if "://" in address else server.url + address)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert wrong == []


@pytest.fixture
def page(open_page):
    page = open_page()
    expect(page.locator("#model")).to_have_text("animals, version 1")
    return page


def drop(page, content, name, kind):
    """Drops a file as if it came from the desktop."""
    transfer = page.evaluate_handle(
        """([content, name, type]) => {
            const bytes = Uint8Array.from(content);
            const transfer = new DataTransfer();
            transfer.items.add(new File([bytes], name, {type}));
            return transfer;
        }""",
        [list(content), name, kind],
    )
    page.dispatch_event("#drop", "drop", {"dataTransfer": transfer})


def picture(page):
    return page.locator("#view").evaluate("canvas => canvas.toDataURL()")


def classes(page):
    items = page.locator("#classes li")
    return [
        (
            one.locator("span").nth(0).inner_text(),
            one.locator("span").nth(1).inner_text(),
        )
        for one in items.all()
    ]


def as_shown(prediction):
    return [(name, f"{probability:.1%}") for name, probability in prediction.top()]


def show_sample(page, number=0):
    button = page.locator("#samples button").nth(number)
    button.click()
    expect(button).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#result")).to_be_visible()
    expect(page.locator("#result")).not_to_have_class(re.compile("waiting"))


def test_a_dropped_image_is_answered(page, base, images, encode):
    drop(page, encode(images[0]), "one.png", "image/png")
    expect(page.locator("#classes li")).to_have_count(5)
    answer = serving.Predictor.from_saved_model(base).predict(images[:1])[0]
    assert classes(page) == as_shown(answer)
    expect(page.locator("#levels label")).to_have_text(["image", "level 2", "level 4"])


def test_a_chosen_file_and_a_sample_are_answered(page, images, encode):
    file = {
        "name": "a.jpg",
        "mimeType": "image/jpeg",
        "buffer": encode(images[0], "JPEG"),
    }
    page.locator("#file").set_input_files(file)
    expect(page.locator("#classes li")).to_have_count(5)
    before = picture(page)
    expect(page.locator("#samples button")).to_have_count(8)
    show_sample(page, 3)
    assert picture(page) != before
    pressed = page.locator('#samples button[aria-pressed="true"]')
    expect(pressed).to_have_count(1)


def test_every_control_changes_the_overlay(page):
    show_sample(page)
    seen = [picture(page)]
    for change in (
        lambda: page.get_by_label("level 2").check(force=True),
        lambda: page.get_by_label("Opacity").fill("40"),
        lambda: page.get_by_label("Colours").select_option("viridis"),
        lambda: page.get_by_label("Cells of the map").check(),
        lambda: page.get_by_label("image", exact=True).check(force=True),
    ):
        change()
        seen.append(picture(page))
    assert len(set(seen)) == len(seen)
    page.get_by_label("level 4").check(force=True)
    page.get_by_label("Opacity").fill("0")
    assert picture(page) == seen[-1]  # the plain image


def test_the_pointer_reads_the_map(page, base, images, encode):
    drop(page, encode(images[1]), "one.png", "image/png")
    page.get_by_label("level 2").check(force=True)
    page.get_by_label("Cells of the map").check()
    box = page.locator("#view").bounding_box()
    x, y = box["x"] + box["width"] * 10.5 / 32, box["y"] + box["height"] * 20.5 / 32
    page.mouse.move(x, y)
    said = page.locator("#reading").inner_text()
    assert "Level 2, row 21 of 32, column 11 of 32" in said
    map_2 = serving.Predictor.from_saved_model(base).predict(images[1:2])[0].maps[2]
    times, attention = re.search(r": (\S+) times .*attention (\S+)\)", said).groups()
    assert float(times) == pytest.approx(map_2[20, 10] * 32 * 32, rel=0.01)
    assert float(attention) == pytest.approx(map_2[20, 10], rel=0.06)


def test_evidence_for_the_top_class_is_shown_and_read(page, base, images, encode):
    drop(page, encode(images[1]), "one.png", "image/png")
    page.get_by_label("level 4").check(force=True)
    page.get_by_label("Cells of the map").check()
    attention = picture(page)
    page.get_by_label("Show").select_option("evidence")
    assert picture(page) != attention
    answer = serving.Predictor.from_saved_model(base).predict(images[1:2])[0]
    expect(page.locator("#meaning")).to_contain_text(f"the logit of {answer.name}: red")
    box = page.locator("#view").bounding_box()
    x, y = box["x"] + box["width"] * 5.5 / 16, box["y"] + box["height"] * 9.5 / 16
    page.mouse.move(x, y)
    said = page.locator("#reading").inner_text()
    assert said.endswith(f"to the logit of {answer.name}.")
    sign, size = re.search(r"column 6 of 16: (.)(\S+) to", said).groups()
    given = answer.evidence[4][9, 5]
    assert (sign == "+") == (given > 0)
    assert float(size) == pytest.approx(abs(given), rel=0.06)
    page.get_by_label("Show").select_option("attention")
    assert picture(page) == attention


def test_a_gate_has_attention_and_no_evidence(
    open_page, build, tmp_path, class_names, images, encode
):
    base = small_batches(tmp_path / "gated")
    serving.export(build(gates=(2,)), base, class_names=class_names)
    with DevelopmentServer(base, rest_port=0, grpc_port=0) as server:
        page = open_page(server.url, allowed=(server.url,))
        expect(page.locator("#model")).to_have_text("gated, version 1")
        drop(page, encode(images[1]), "one.png", "image/png")
        page.get_by_label("image", exact=True).check(force=True)
        plain = picture(page)
        page.get_by_label("level 2").check(force=True)
        assert picture(page) != plain
        page.get_by_label("Show").select_option("evidence")
        assert picture(page) == plain
        page.locator("#view").hover()
        expect(page.locator("#reading")).to_contain_text("nothing to the logit of")
        page.get_by_label("level 4").check(force=True)
        assert picture(page) != plain


def test_cells_are_read_where_they_lie(page):
    # Two cells a side at pixels 1 and 5 of 8, as in tests/test_grid.py.
    read = """async (places) => {
        const { valueAt } = await import("./map.js");
        const line = { first: 1.5 / 8, step: 4 / 8 };
        const rows = [[0, 1], [0, 1]];
        const value = (x, asCells) => valueAt(rows, [line, line], x, 0, asCells);
        return [places.map((x) => value(x, false)), places.map((x) => value(x, true))];
    }"""
    smooth, cells = page.evaluate(read, [(x + 0.5) / 8 for x in range(8)])
    assert smooth == [0, 0, 0.25, 0.5, 0.75, 1, 1, 1]
    assert cells == [0, 0, 0, 1, 1, 1, 1, 1]


def test_the_keyboard_alone_is_enough(page):
    page.keyboard.press("Tab")
    assert page.evaluate("() => document.activeElement.id") == "file"
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")  # the first sample
    expect(page.locator("#result")).to_be_visible()
    page.locator("#view").focus()
    page.keyboard.press("ArrowRight")
    first = page.locator("#reading").inner_text()
    page.keyboard.press("ArrowDown")
    second = page.locator("#reading").inner_text()
    row, column = re.search(r"row (\d+) .*column (\d+)", first).groups()
    assert f"row {int(row) + 1} of 16, column {column} of" in second
    page.keyboard.press("Tab")  # the levels
    before = picture(page)
    page.keyboard.press("ArrowLeft")
    expect(page.get_by_label("level 2")).to_be_checked()
    assert picture(page) != before


def test_what_is_no_image_gets_a_sentence(page):
    drop(page, b"hello", "notes.txt", "text/plain")
    expect(page.get_by_role("alert")).to_have_text(
        "notes.txt is no image that the browser can read."
    )
    show_sample(page)
    expect(page.get_by_role("alert")).to_be_hidden()


def test_other_formats_are_converted(page, base, images, encode):
    drop(page, encode(images[0], "WEBP", lossless=True), "one.webp", "image/webp")
    expect(page.locator("#classes li")).to_have_count(5)
    answer = serving.Predictor.from_saved_model(base).predict(images[:1])[0]
    assert classes(page) == as_shown(answer)


def test_a_photo_lying_on_its_side_is_turned(page, base):
    ramp = np.add.outer(np.arange(64) * 3, np.zeros(48, int)).astype(np.uint8)
    upright = Image.fromarray(np.stack([ramp, 255 - ramp, ramp // 2], -1))
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned clockwise for display
    stream = io.BytesIO()
    upright.rotate(90, expand=True).save(stream, "JPEG", quality=100, exif=exif)
    drop(page, stream.getvalue(), "photo.jpg", "image/jpeg")
    expect(page.locator("#classes li")).to_have_count(5)
    size = page.locator("#view").evaluate("canvas => [canvas.width, canvas.height]")
    assert size == [480, 640]
    top_row = page.locator("#view").evaluate(
        "canvas => canvas.getContext('2d').getImageData(240, 5, 1, 1).data[1]"
    )
    bottom_row = page.locator("#view").evaluate(
        "canvas => canvas.getContext('2d').getImageData(240, 630, 1, 1).data[1]"
    )
    assert top_row > bottom_row + 20


def test_a_server_that_is_down_is_said_and_can_come_back(open_page, base, server):
    with DevelopmentServer(base, rest_port=0, grpc_port=0) as other:
        url, port = other.url, int(other.url.rpartition(":")[2])
        page = open_page(url, allowed=[url])
        show_sample(page)
    drop(page, (EXPLORER / "samples/0_0.png").read_bytes(), "a.png", "image/png")
    expect(page.get_by_role("alert")).to_have_text(
        f"The server {url} can't be reached."
    )
    with DevelopmentServer(base, rest_port=port, grpc_port=0):
        show_sample(page, 1)
        expect(page.get_by_role("alert")).to_be_hidden()


def test_static_files_ask_a_server_of_another_origin(open_page, server):
    handler = functools.partial(_Quiet, directory=str(EXPLORER))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as files:
        threading.Thread(target=files.serve_forever).start()
        try:
            site = f"http://127.0.0.1:{files.server_port}"
            address = f"{site}/?server={server.url}&model={server.name}"
            page = open_page(address, allowed=[site])
            expect(page.locator("#model")).to_have_text("animals, version 1")
            show_sample(page)
            expect(page.locator("#classes li")).to_have_count(5)
        finally:
            files.shutdown()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


def test_on_a_phone_nothing_is_wider_than_the_screen(open_page):
    page = open_page(viewport={"width": 320, "height": 640}, is_mobile=True)
    show_sample(page)
    assert page.evaluate("() => document.documentElement.scrollWidth") == 320
    assert page.locator("#controls").bounding_box()["width"] <= 320


def test_a_finger_reads_the_map(open_page):
    page = open_page(
        viewport={"width": 390, "height": 844}, is_mobile=True, has_touch=True
    )
    show_sample(page)
    page.locator("#view").tap()
    expect(page.locator("#reading")).to_contain_text("times an even spread")


def test_dark_mode(open_page):
    grounds = []
    for scheme in ("light", "dark"):
        page = open_page(color_scheme=scheme)
        colour = page.evaluate(
            "() => getComputedStyle(document.documentElement).backgroundColor"
        )
        grounds.append(sum(map(int, re.findall(r"\d+", colour)[:3])))
    light, dark = grounds
    assert light > 600 and dark < 150


def test_maps_lie_where_the_model_saw_the_image(page):
    """Of a picture of 60x20 pixels and a model that takes 20x20."""
    fit = """async (aspect) => {
        const { fit } = await import("./image.js");
        const bitmap = new OffscreenCanvas(60, 20);
        const context = bitmap.getContext("2d");
        for (const [i, colour] of ["red", "lime", "blue"].entries()) {
            context.fillStyle = colour;
            context.fillRect(20 * i, 0, 20, 20);
        }
        const fitted = fit(bitmap, { aspect, background: [1, 2, 3], shape: [20, 20] });
        const { width, height } = fitted;
        const read = fitted.getContext("2d");
        const at = (x, y) => [...read.getImageData(x, y, 1, 1).data.slice(0, 3)];
        return [[width, height], at(0, 0), at(width / 2, height / 2)];
    }"""
    green, border = [0, 255, 0], [1, 2, 3]
    assert page.evaluate(fit, "squash") == [[60, 20], [255, 0, 0], green]
    assert page.evaluate(fit, "pad") == [[60, 60], border, green]
    assert page.evaluate(fit, "crop") == [[20, 20], green, green]


def test_what_is_sent_of_every_kind_of_file(page):
    """As the last column of docs/images.md says."""
    send = """async ([content, name]) => {
        const { readImage } = await import("./image.js");
        const bytes = Uint8Array.from(content);
        try {
            const image = await readImage(new File([bytes], name));
            return [...new Uint8Array(image.bytes)];
        } catch { return null; }
    }"""
    sent = {}
    for kind in image_kinds.kinds():
        got = page.evaluate(send, [list(kind.content), "x" + kind.suffix])
        same = got == list(kind.content)
        png = got and bytes(got).startswith(b"\x89PNG")
        sent[kind.name] = "as it is" if same else "as PNG" if png else "refused"
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    rows = [line.strip("| ").split(" | ") for line in lines if line.startswith("|")]
    told = {row[0]: row[-1] for row in rows if len(row) == 5}
    assert sent == {name: told.get(name) for name in sent}
