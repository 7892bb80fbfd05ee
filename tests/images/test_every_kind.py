"""Every kind of file: what is seen of it, by whom, and what docs/images.md says."""

import functools
from pathlib import Path

import image_kinds
import numpy as np
import pytest
import tensorflow as tf

from ltpa_tf import data
from ltpa_tf.errors import SettingError
from ltpa_tf.images import DEFAULT, files, sending
from ltpa_tf.serving import images as server_images

KINDS = {kind.name: kind for kind in image_kinds.kinds()}
SIZE = (image_kinds.HEIGHT, image_kinds.WIDTH)
PAGE = Path(__file__).parents[2] / "docs" / "images.md"


@functools.lru_cache
def server():
    """What a SavedModel does with bytes."""
    return tf.function(
        lambda encoded: server_images.decode_batch(encoded, SIZE),
        input_signature=[tf.TensorSpec([None], tf.string)],
        autograph=False,
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("kinds")


def written(folder, kind):
    path = folder / (kind.name.replace("/", " ") + kind.suffix)
    path.write_bytes(kind.content)
    return path


def differs(image, kind):
    assert image.shape == kind.seen.shape
    return np.abs(image.astype(int) - kind.seen).mean() if image.size else 0


@pytest.mark.parametrize("name", KINDS)
def test_a_model_sees_what_a_person_sees(folder, name):
    """In all programs: the check's decoder, and that of training and predictions."""
    kind = KINDS[name]
    path = written(folder, kind)
    if kind.seen is None:
        with pytest.raises(SettingError) as caught:
            files.check_file(path)
        assert str(caught.value).startswith(f"{path}: expected ")
        assert "object at 0x" not in str(caught.value)
        return
    content, checked = files.check_file(path)
    assert checked.shape == kind.seen.shape[:2]
    image = files.decoded(content, checked.code, None, DEFAULT)
    assert differs(image, kind) <= kind.within


def test_an_export_sees_the_same_pixels_of_jpeg_and_png(folder):
    """Bit by bit, though it reads headers by other code."""
    known = [
        kind
        for kind in KINDS.values()
        if kind.seen is not None
        and kind.seen.shape[:2] == SIZE
        and kind.content[:3] in (b"\xff\xd8\xff", b"\x89PN")
    ]
    assert len(known) > 10
    served = server()([kind.content for kind in known]).numpy()
    local = files.read_images([written(folder, one) for one in known], SIZE, DEFAULT)
    np.testing.assert_array_equal(served, local)


def test_what_a_client_sends_is_what_it_was_given(folder):
    """PNG in place of what a server doesn't take: without loss."""
    small = [
        kind
        for kind in KINDS.values()
        if kind.seen is not None and kind.seen.shape[:2] == SIZE
    ]
    paths = [written(folder, kind) for kind in small]
    served = server()([sending.sendable(path) for path in paths]).numpy()
    np.testing.assert_array_equal(served, files.read_images(paths, SIZE, DEFAULT))


def test_training_prepared_sets_and_predictions_agree(tmp_path):
    """One folder with every kind that can be used, through all three."""
    from ltpa_tf.data.prepare import prepare

    root = tmp_path / "folder"
    for label in ("cat", "dog"):
        for part in ("train", "test"):
            (root / part / label).mkdir(parents=True)
            for kind in KINDS.values():
                if kind.seen is not None and kind.seen.size < 10**6:
                    written(root / part / label, kind)
    trained = data.load("folder", dir=str(root), image_size=40)
    prepare(root, "every_kind", tmp_path / "sets")
    prepared = data.load("every_kind", dir=str(tmp_path / "sets"), image_size=40)
    paths = sorted((root / "test" / "cat").iterdir())
    predicted = files.read_images(paths, (40, 40), DEFAULT)

    def as_a_set(images):
        return sorted(image.tobytes() for image in images)

    assert as_a_set(trained.test.array) == as_a_set(2 * predicted)
    assert len(trained.train) == len(prepared.train) == 2 * len(paths)
    # A photo that lies on its side is stored upright, so at its full size: only what
    # libjpeg averages where it is decoded at a fraction differs.
    several = np.stack([prepared.test.array, trained.test.array]).astype(int)
    totals = np.sort(several.reshape(2, len(several[0]), -1).sum(-1))
    np.testing.assert_allclose(totals[0], totals[1], rtol=0.01)


def outcome(kind, folder):
    """Of a row of the page: in programs, sent by a client, answered by a server."""
    path = written(folder, kind)
    try:
        files.check_file(path)
        local = "read"
    except SettingError as error:
        local = f"refused: {error.received}"
    try:
        sent = sending.sendable(path) == kind.content
        sent = "as it is" if sent else "as PNG"
    except SettingError:
        sent = "refused"
    try:
        server()([kind.content])
        served = "read"
    except tf.errors.InvalidArgumentError:
        served = "refused"
    return f"| {kind.name} | {local} | {sent} | {served} |"


def test_the_page_says_what_happens(folder):
    rows = [outcome(kind, folder) for kind in KINDS.values()]
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    missing = [row for row in rows if not any(one.startswith(row) for one in lines)]
    assert not missing, "docs/images.md lacks\n" + "\n".join(missing)
