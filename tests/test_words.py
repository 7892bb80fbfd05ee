from ltpa_tf.words import count


def test_one_is_one():
    assert count(1, "epoch") == "1 epoch"
    assert count(0, "epoch") == "0 epochs"
    assert count(12_000, "image") == "12,000 images"
