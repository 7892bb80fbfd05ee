"""What a server would refuse is found without one."""

import os
import shutil

import numpy as np
import pytest
import tensorflow as tf

from ltpa_tf import serving
from ltpa_tf.errors import SettingError
from ltpa_tf.serving import graph, server_files, warmup


@pytest.fixture
def copy(base, tmp_path):
    """A copy of the export, to be broken."""
    folder = shutil.copytree(base, tmp_path / "animals")
    serving.label(folder, {"stable": 1, "canary": 1}, str(folder))
    return folder


def test_nothing_is_wrong_with_an_export(base):
    assert serving.check_export(base) == []


def found(folder, load=False):
    return "\n".join(serving.check_export(folder, load=load))


def edit(file, old, new):
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        (
            "batching.config",
            "allowed_batch_sizes: 32\n",
            "",
            "must equal max_batch_size",
        ),
        ("batching.config", "sizes: 16", "sizes: 3", "must increase"),
        ("batching.config", "value: 100", "value: 0", "at least 1"),
        ("batching.config", "max_enqueued", "enqueued", "can't be read"),
        ("batching.config", "{ value: 100 }", ": 100", "can't be read"),
        ("monitoring.config", '"/', '"', "must start with /"),
        ("monitoring.config", "enable: true", "enable: maybe", "can't be read"),
        ("models.config", "animals", "plants", "promote.py --base_path=/"),
        ("models.config", 'base_path: "/', 'base_path: "', "isn't absolute"),
        ("models.config", '"canary" value: 1', '"canary" value: 2', "isn't served"),
        ("models.config", "all {}", "specific {versions: 5}", "doesn't exist"),
        ("models.config", "tensorflow", "pytorch", "model_platform"),
        ("1/class_names.json", '"bee",', "", "7 classes, but 6 names"),
        ("1/class_names.json", "[", "", "can't be read"),
    ],
)
def test_an_edited_file(copy, file, old, new, said):
    edit(copy / file, old, new)
    assert said in found(copy)


def test_names_that_are_no_list(copy):
    (copy / "1/class_names.json").write_text("7")
    assert "must have a list of names, not 7" in found(copy)


@pytest.mark.parametrize("name", ["v2", "1.5", "latest"])
def test_a_folder_that_is_no_version(copy, name):
    (copy / name).mkdir()
    assert "ignored by a server" in found(copy)


@pytest.mark.parametrize(
    ("victim", "said", "load"),
    [
        ("1/saved_model.pb", "without saved_model.pb", True),
        ("1/variables/variables.index", "doesn't load", True),
        ("models.config", "missing", False),
    ],
)
def test_a_missing_file(copy, victim, said, load):
    (copy / victim).unlink()
    assert said in found(copy, load)


def test_damaged_files(copy):
    (copy / "1/saved_model.pb").write_bytes(b"\xff" * 1000)
    assert "can't be read" in found(copy)


def test_variables_cut_off(copy):
    os.truncate(copy / "1/variables/variables.data-00000-of-00001", 1000)
    assert "doesn't load: " in found(copy, load=True)


def rewrite_warmup(folder, change):
    requests = [change(number, one) for number, one in enumerate(warmup.read(folder))]
    with tf.io.TFRecordWriter(str(folder / warmup.FILE)) as writer:
        for request in requests:
            log = warmup.PredictionLog()
            log.predict_log.request.CopyFrom(request)
            writer.write(log.SerializeToString())
    return requests


def test_over_1000_warmup_records(copy):
    file = copy / "1" / warmup.FILE
    file.write_bytes(file.read_bytes() * (1000 // 24 + 1))
    assert "1,008 warm-up records" in found(copy)


SMALL = "max_batch_size { value: 8 }\nallowed_batch_sizes: [1, 8]\n"


def test_a_new_version_fits_what_is_there(copy, build, class_names):
    """Its warm-up the batching; labels move, and old versions go."""
    shutil.copytree(copy / "1", copy / "2")
    (copy / "batching.config").write_text(SMALL)
    serving.export(build(), copy, class_names=class_names, keep=1)
    sizes = {
        proto.tensor_shape.dim[0].size
        for request in warmup.read(copy / "3")
        for proto in request.inputs.values()
    }
    assert sizes == {1, 8}
    assert (copy / "batching.config").read_text() == SMALL

    assert server_files.read_labels(copy) == {"stable": 1, "canary": 3}
    assert list(serving.list_versions(copy)) == [1, 3]
    assert serving.label(copy, {"stable": 3}) == {"stable": 3, "canary": 3}
    with pytest.raises(SettingError, match=r"--version: .* a version in .*\[1, 3\]"):
        serving.label(copy, {"stable": 2})
    shutil.rmtree(copy / "1")  # its warm-up is larger
    assert serving.check_export(copy) == []


def test_warmup_records_larger_than_a_batch(copy):
    (copy / "batching.config").write_text(SMALL)
    said = serving.check_export(copy, load=False)
    # Sizes 16 and 32 of the four signatures.
    assert len(said) == 8
    assert "has 16 images, but max_batch_size of batching.config is 8" in said[0]


@pytest.mark.parametrize(
    ("text", "sizes"),
    [
        ("", (1, 2, 4, 8, 16, 32)),
        ("max_batch_size { value: 6 }", (1, 2, 4, 6)),
        ("max_batch_size { value: 64 }", (1, 2, 4, 8, 16, 32, 64)),
        (SMALL, (1, 8)),
    ],
)
def test_batch_sizes(tmp_path, text, sizes):
    (tmp_path / "batching.config").write_text(text)
    assert server_files.batch_sizes(tmp_path) == sizes


def test_the_number_of_batch_threads_is_left_to_the_serving_machine(base):
    batching = server_files.read_batching(base)
    assert not batching.HasField("num_batch_threads")
    assert batching.max_batch_size.value == 32


def test_a_warmup_record_with_a_wrong_input_name(copy):
    def rename(number, request):
        if number == 2:
            request.inputs["pixels"].CopyFrom(request.inputs.pop("images"))
        return request

    rewrite_warmup(copy / "1", rename)
    assert "warm-up record 2: inputs ['pixels']" in found(copy)


def test_a_warmup_record_that_fails(copy):
    def shrink(number, request):
        if number == 3:
            tensor = tf.make_tensor_proto(np.zeros((1, 8, 8, 3), np.uint8))
            request.inputs["images"].CopyFrom(tensor)
        return request

    rewrite_warmup(copy / "1", shrink)
    assert "warm-up record 3 (serving_default)" in found(copy, load=True)


def test_a_damaged_warmup_file(copy):
    (copy / "1" / warmup.FILE).write_bytes(b"not a record at all")
    assert "damaged warm-up file" in found(copy)


def test_warmup_asks_every_signature_at_every_allowed_size(base):
    asked = {
        (request.model_spec.signature_name, value.tensor_shape.dim[0].size)
        for request in warmup.read(base / "1")
        for value in request.inputs.values()
    }
    names = graph.signatures(graph.read_meta_graph(base / "1"))
    sizes = server_files.read_batching(base).allowed_batch_sizes
    assert asked == {(name, size) for name in names for size in sizes}


class Careless(tf.Module):
    """What one gets without care: no ensure_shape, names not in the batch."""

    @tf.function(input_signature=[tf.TensorSpec((None, 32, 32, 3), tf.uint8, "images")])
    def serve(self, images):
        mean = tf.reduce_mean(tf.cast(images, tf.float32), (1, 2))
        return {
            "probabilities": tf.nn.softmax(mean),
            "class_names": tf.constant(["a", "b", "c"]),
        }


@pytest.fixture
def careless(copy):
    module = Careless()
    tf.saved_model.save(module, str(copy / "2"), {"serving_default": module.serve})
    (copy / "2/class_names.json").write_text('["a", "b", "c"]')
    return found(copy)


def test_no_ensure_shape(careless):
    assert "'images' goes into Cast before tf.ensure_shape" in careless


def test_an_output_without_batch(careless):
    assert "output 'class_names' has no batch as dimension 0" in careless


def test_what_changed_against_the_version_before(careless):
    assert "signature 'attention_maps' is missing, version 1 has it" in careless
    assert "output 'top_classes' was int32 in version 1, is missing" in careless
    assert "input 'images'" not in careless.replace("'images' goes into", "")


def test_an_input_name_that_changed(copy):
    shutil.copytree(copy / "1", copy / "2")
    file = copy / "2/saved_model.pb"
    saved = graph.SavedModel.FromString(file.read_bytes())
    inputs = saved.meta_graphs[0].signature_def["serving_default"].inputs
    inputs["pixels"].CopyFrom(inputs.pop("images"))
    file.write_bytes(saved.SerializeToString())
    said = "input 'images' was uint8 [-1, 32, 32, 3] in version 1, is missing"
    assert said in found(copy)


def test_nothing_there(tmp_path):
    assert "no version in it" in found(tmp_path)
    gone = tmp_path / "gone"  # of which its files are not missed one by one
    (said,) = serving.check_export(gone)
    assert said.startswith(f"{gone}: no version in it")


@pytest.mark.parametrize("label", ['a"b', "a b", "a/b", "a:b", "a\n", ""])
def test_a_label_that_no_url_can_hold(copy, label):
    with pytest.raises(SettingError, match="--label"):
        serving.label(copy, {label: 1})
    assert server_files.read_labels(copy) == {"stable": 1, "canary": 1}


def test_awkward_labels(copy):
    for label in ("base", "base_path", "back\\slash", "ümlaut", "it's"):
        serving.label(copy, {label: 1})
        assert server_files.read_labels(copy)[label] == 1
    assert serving.check_export(copy, load=False) == []


def test_batching_tuned_by_hand_stays(copy):
    edit(copy / "batching.config", "value: 2000", "value: 500")
    serving.label(copy, {"stable": 1})
    assert server_files.read_batching(copy).batch_timeout_micros.value == 500


@pytest.mark.parametrize("name", ["with space", 'quo"te', "ümlaut", "back\\slash"])
def test_awkward_model_names(copy, name):
    moved = copy.rename(copy.with_name(name))
    serving.label(moved, {"stable": 1, "canary": 1}, str(moved))
    model = server_files.read_models(moved)
    assert model.name == name
    assert model.base_path == str(moved.resolve())
