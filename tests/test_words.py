from ltpa_tf.words import count, nearest, one_of


def test_one_is_one():
    assert count(1, "epoch") == "1 epoch"
    assert count(0, "epoch") == "0 epochs"
    assert count(12_000, "image") == "12,000 images"


def test_names_to_choose_from():
    assert one_of(["softmax", "sigmoid"]) == "one of softmax, sigmoid"
    assert one_of(["train"]) == "train"
    assert one_of([]) == ""
    assert nearest("atention", ("gradcam", "attention")) == ["attention"]
    assert nearest("x", ("gradcam", "attention")) == []
