"""The report in a real browser."""

import re

import pytest


@pytest.fixture
def open_page(browser, page):
    """Opens the report; nothing may be asked of anyone, and nothing may go wrong."""
    contexts, wrong = [], []

    def open_page(**options):
        context = browser.new_context(**options)
        contexts.append(context)
        tab = context.new_page()
        tab.on("pageerror", lambda error: wrong.append(str(error)))
        tab.on("console", lambda message: wrong.append(message.text))
        tab.on("request", lambda request: asked(request.url))
        tab.goto(page.as_uri())
        return tab

    def asked(url):
        if not url.startswith((page.as_uri(), "data:")):
            wrong.append(f"asked {url}")

    yield open_page
    for context in contexts:
        context.close()
    assert wrong == []


@pytest.mark.parametrize("width", [320, 375, 1200])
def test_nothing_is_wider_than_the_screen(open_page, width):
    tab = open_page(viewport={"width": width, "height": 800}, is_mobile=width < 1000)
    assert tab.evaluate("document.documentElement.scrollWidth") == width


def test_every_picture_is_shown(open_page):
    tab = open_page()
    sizes = tab.evaluate("[...document.images].map((one) => one.naturalWidth)")
    assert len(sizes) > 20
    assert min(sizes) > 0


def test_dark_mode(open_page):
    script = """() => [document.documentElement, document.querySelector(".chart text")]
        .map((one) => getComputedStyle(one))
        .map((style, i) => i ? style.fill : style.backgroundColor)"""
    grounds, inks = [], []
    for scheme in ("light", "dark"):
        ground, ink = (
            sum(map(int, re.findall(r"\d+", colour)[:3]))
            for colour in open_page(color_scheme=scheme).evaluate(script)
        )
        grounds.append(ground)
        inks.append(ink)
    assert grounds[0] > 700 and grounds[1] < 100
    assert inks[0] < 150 and inks[1] > 600


def test_dark_screens_print_on_white(open_page):
    tab = open_page(color_scheme="dark")
    tab.emulate_media(media="print")
    ground = "getComputedStyle(document.documentElement).backgroundColor"
    assert tab.evaluate(ground) == "rgb(255, 255, 255)"
    assert not tab.locator("nav").is_visible()
