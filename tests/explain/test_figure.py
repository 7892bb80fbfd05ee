import matplotlib
import numpy as np
import pytest
from PIL import Image

from ltpa_tf import explain, models

NAMES = ["cat", "a $20_note, or $50", "a_very_long_name_without_any_space", "ship"]


def explanation(label=None, box=None, size=(32, 32), levels=(7, 13), predicted=1):
    rng = np.random.default_rng(predicted)
    maps = {f"level_{n}": rng.random((8, 8)) for n in levels}
    probabilities = np.full(4, 0.1)
    probabilities[predicted] = 0.7
    image = rng.integers(0, 256, (*size, 3), np.uint8)
    return explain.Explanation(image, probabilities, maps, label, box, "test 17")


def texts(figure):
    return [text.get_text() for axes in figure.axes for text in axes.texts]


def test_says_predicted_and_true_class_and_probability():
    items = [explanation(label=3, predicted=3), explanation(label=0, predicted=3)]
    shown = texts(explain.draw(items, NAMES))
    assert "✓ ship" in shown
    assert "✗ ship" in shown
    assert "70.0%\ntrue: ship\ntest 17" in shown
    assert "70.0%\ntrue: cat\ntest 17" in shown


def test_unknown_truth_is_neither_right_nor_wrong():
    shown = texts(explain.draw([explanation(predicted=3)], NAMES))
    assert "ship" in shown
    assert not any("true" in text or "✓" in text or "✗" in text for text in shown)


def test_panels_are_the_image_and_its_overlays():
    item = explanation(levels=(7, 10, 13))
    figure = explain.draw([item], NAMES)
    panels = [axes.images[0].get_array() for axes in figure.axes if axes.images]
    np.testing.assert_array_equal(panels[0], item.image)
    for panel, level in zip(panels[1:4], item.maps, strict=True):
        np.testing.assert_array_equal(
            panel, explain.overlay(item.image, item.maps[level])
        )


def test_box_is_drawn_around_its_pixels():
    figure = explain.draw([explanation(box=(4, 10, 20, 30))], NAMES)
    box = figure.axes[0].patches[0]
    # Pixel 0 reaches from -0.5 to 0.5.
    assert (box.get_x(), box.get_y()) == (9.5, 3.5)
    assert (box.get_width(), box.get_height()) == (20, 16)


def test_peak_is_relative_to_uniform():
    item = explanation(levels=(13,))
    item.maps["level_13"][:] = 1 / 64
    shown = texts(explain.draw([item], NAMES))
    assert "peak 1.0\N{MULTIPLICATION SIGN}" in shown


@pytest.mark.parametrize(
    ("count", "levels"), [(1, (13,)), (3, (7, 10, 13)), (16, (13,))]
)
@pytest.mark.parametrize("size", [(32, 32), (96, 160), (224, 224)])
def test_nothing_overlaps(count, levels, size):
    items = [explanation(2, (4, 4, 20, 20), size, levels, i % 4) for i in range(count)]
    figure = explain.draw(items, NAMES)
    figure.canvas.draw()
    renderer = figure.canvas.get_renderer()
    artists = [axes.patch for axes in figure.axes]
    artists += [text for axes in figure.axes for text in axes.texts if text.get_text()]
    boxes = [artist.get_window_extent(renderer) for artist in artists]
    for i, one in enumerate(boxes):
        for other in boxes[i + 1 :]:
            across = min(one.x1, other.x1) - max(one.x0, other.x0)
            down = min(one.y1, other.y1) - max(one.y0, other.y0)
            assert across < 1 or down < 1, (one, other)


def test_writes_a_png_and_leaves_matplotlib_as_it_was(tmp_path):
    backend, settings = matplotlib.get_backend(), dict(matplotlib.rcParams)
    model = models.build("vgg_att3_concat_pc", num_classes=4, width=0.125)
    images = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3), np.uint8)
    path = explain.attention_figure(
        model, images, [0, 1], NAMES, path=tmp_path / "new" / "attention.png"
    )
    with Image.open(path) as picture:
        assert picture.format == "PNG"
    assert [file.name for file in path.parent.iterdir()] == ["attention.png"]
    assert (matplotlib.get_backend(), dict(matplotlib.rcParams)) == (backend, settings)
