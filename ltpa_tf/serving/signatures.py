"""The signatures of an exported model: what goes in, what comes out."""

import functools
import json
from collections.abc import Callable, Sequence

import keras
import tensorflow as tf

from ltpa_tf import models
from ltpa_tf.errors import SettingError
from ltpa_tf.images import DEFAULT, Preprocessing
from ltpa_tf.images.grey import grey
from ltpa_tf.layers import AttentionEstimator
from ltpa_tf.models.views import check_functional
from ltpa_tf.serving import compact as compact_maps
from ltpa_tf.serving import images as image_files

TOP = 5
"""How many classes `top_classes` names, or all if there are fewer."""


# Outputs of other meanings.
_TAKEN = frozenset(("probabilities", "top_classes", "top_names", "preprocessing"))
# Of outputs beside a map.
_ENDS = ("_image", "_grid")


class Signatures:
    """A trained model as functions from images to named outputs.

    Inputs are raw: uint8 `images` `[batch, H, W, 3]`, or the `encoded` bytes of JPEG or
    PNG files of any size, string `[batch]`. Every output has the batch as dimension 0:

    - `probabilities`: float32 `[batch, classes]`;
    - `top_classes`: int32 `[batch, top]`, indices, the most probable first;
    - `top_names`: string `[batch, top]`;
    - with maps, for each level N: `level_N`, float32 `[batch, h, w]`, the attention
      that weighs the level's local features; `level_N_image`, float32 `[batch, H, W]`,
      the same at the resolution of the model's input (bilinear); and `level_N_grid`,
      float32 `[batch, 4]`, where the cells of `level_N` lie: the first one's centre
      down and across, and the steps to the next, in the input's pixels, see
      `ltpa_tf.grid`. An estimator that is called otherwise than `level_N` has outputs
      of its own name;
    - with maps, where the head takes the attended descriptors, `evidence_N`, float32
      `[batch, h, w]`: what each position of level N gives to the logit of the top
      class, and `evidence_bias`, `[batch, 1]`, what is left; together they are the
      logit (`[batch, levels]` of an independent head, whose levels have logits of
      their own). See `models.evidence_model`;
    - with maps in a compact form, these instead, see `compact.compact`.

    Args:
        model: As `ltpa_tf.models.build` makes it, under any dtype policy; it is rebuilt
            in float32 and without parts that can't change its output.
        class_names: One name for each class.
        preprocessing: How files become images.
        compact: Forms of maps that get signatures of their own, of `compact.FORMS`.

    Raises:
        SettingError: If the model isn't functional, the number of names isn't that of
            classes, its images have no fixed size, or neither 1 nor 3 channels, its
            layers have names that no graph can have, or maps can't have such a form.
    """

    def __init__(
        self,
        model: keras.Model,
        class_names: Sequence[str],
        preprocessing: Preprocessing = DEFAULT,
        compact: Sequence[str] = (),
    ):
        check_functional(model)
        models.check_names(model)
        classes = model.output_shape[-1]
        if len(class_names) != classes:
            raise SettingError(
                "class_names", list(class_names), f"{classes} names, one for each class"
            )
        shape = tuple(model.input_shape[1:])
        if None in shape:
            raise SettingError(
                "model",
                f"one that takes images of shape {shape}",
                "one of a fixed height and width",
            )
        if shape[-1] not in (1, 3):
            raise SettingError(
                "model",
                f"one that takes {shape[-1]} channels",
                "3 (colours) or 1 (grey)",
            )
        self.image_shape = shape
        self.class_names = tuple(class_names)
        self.preprocessing = preprocessing
        estimators = [x.name for x in model.layers if isinstance(x, AttentionEstimator)]
        for name in estimators:
            of_another = name.startswith("evidence_") or name.endswith(_ENDS)
            if name in _TAKEN or of_another:
                raise SettingError(
                    "model", f"an estimator {name!r}", "another name for it"
                )
        compact_maps.check(compact, estimators)
        self.compact = tuple(dict.fromkeys(compact))
        explained = _with_evidence(models.as_float32(model))
        self.network = models.prune(models.attention_model(explained))
        self.grids = models.grids(model)
        self.attention = tuple(sorted(estimators, key=_place))
        self.evidence = tuple(set(self.network.output) - {"logits", *estimators})
        # Functions that the graphs of all signatures call: each is traced, written and
        # loaded once. Runtimes inline them and drop what isn't used of their outputs.
        self._decode = tf.function(self._decode_batch, autograph=False)
        self._outputs = tf.function(
            functools.partial(self.network, training=False),
            input_signature=[tf.TensorSpec((None, *shape), tf.float32)],
            autograph=False,
        )

    def functions(self) -> dict[str, tuple[Callable, tf.TensorSpec]]:
        """Signature name -> the function and the specification of its one input.

        A model without attention has no `attention_maps` signatures.
        """
        raw = tf.TensorSpec((None, *self.image_shape), tf.uint8, name="images")
        files = tf.TensorSpec((None,), tf.string, name="encoded")
        functions = {
            "serving_default": (self.serving_default, raw),
            "serving_bytes": (self.serving_bytes, files),
        }
        if self.attention:
            functions["attention_maps"] = (self.attention_maps, raw)
            functions["attention_maps_bytes"] = (self.attention_maps_bytes, files)
        for form in self.compact:
            name = f"attention_{form}"
            functions[name] = (functools.partial(self._compact, form), raw)
            of_files = functools.partial(self._compact_bytes, form)
            functions[f"{name}_bytes"] = (of_files, files)
        return functions

    def serving_default(self, images: tf.Tensor) -> dict[str, tf.Tensor]:
        """uint8 `[batch, H, W, 3]` -> probabilities and top classes."""
        return self._classes(self._outputs(self._raw(images)))

    def attention_maps(self, images: tf.Tensor) -> dict[str, tf.Tensor]:
        """uint8 `[batch, H, W, 3]` -> probabilities, top classes and maps."""
        return self.answers(self._outputs(self._raw(images)))

    def serving_bytes(self, encoded: tf.Tensor) -> dict[str, tf.Tensor]:
        """Image files, string `[batch]` -> as `serving_default`."""
        return self.serving_default(self._decoded(encoded))

    def attention_maps_bytes(self, encoded: tf.Tensor) -> dict[str, tf.Tensor]:
        """Image files, string `[batch]` -> as `attention_maps`.

        And, where it isn't the default, `preprocessing`, JSON: what says where in a
        file the maps lie.
        """
        outputs = self.attention_maps(self._decoded(encoded))
        # Not of `encoded`, whose shape nothing has looked at yet.
        return outputs | self.told_preprocessing(outputs["probabilities"])

    def _raw(self, images: tf.Tensor) -> tf.Tensor:
        # First of all: a server hands tensors over unchecked, and a wrong rank can end
        # its process inside a convolution.
        images = tf.ensure_shape(images, (None, *self.image_shape))
        with tf.control_dependencies([_at_least_one(images)]):
            return tf.cast(images, tf.float32)

    def _decoded(self, encoded: tf.Tensor) -> tf.Tensor:
        encoded = tf.ensure_shape(encoded, (None,))
        with tf.control_dependencies([_at_least_one(encoded)]):
            return self._decode(encoded)

    def _decode_batch(self, encoded: tf.Tensor) -> tf.Tensor:
        size = self.image_shape[:2]
        images = image_files.decode_batch(encoded, size, self.preprocessing)
        return grey(images) if self.image_shape[-1] == 1 else images

    def _classes(self, outputs: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        probabilities = tf.nn.softmax(outputs["logits"])
        top = tf.math.top_k(probabilities, min(TOP, len(self.class_names))).indices
        return {
            "probabilities": probabilities,
            "top_classes": top,
            "top_names": tf.gather(tf.constant(self.class_names), top),
        }

    def _compact(self, form: str, images: tf.Tensor) -> dict[str, tf.Tensor]:
        """uint8 `[batch, H, W, 3]` -> probabilities, top classes and maps of a form."""
        outputs = self._outputs(self._raw(images))
        return self._classes(outputs) | self.compact_maps(form, outputs)

    def _compact_bytes(self, form: str, encoded: tf.Tensor) -> dict[str, tf.Tensor]:
        """Image files, string `[batch]` -> the same, and how files became images."""
        outputs = self._compact(form, self._decoded(encoded))
        return outputs | self.told_preprocessing(outputs["probabilities"])

    def answers(self, outputs: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """Classes and, where there is attention, maps, of what `network` gives."""
        evidence = {name: outputs[name] for name in self.evidence}
        answer = self._classes(outputs) | self.maps(outputs) | self._places(outputs)
        return answer | evidence

    def compact_maps(
        self, form: str, outputs: dict[str, tf.Tensor]
    ) -> dict[str, tf.Tensor]:
        """The maps in a compact form, of what `network` gives."""
        maps = {name: outputs[name] for name in self.attention}
        return compact_maps.compact(form, maps)

    def told_preprocessing(self, batch: tf.Tensor) -> dict[str, tf.Tensor]:
        """What was done with files, JSON, once for each image; nothing by default."""
        if self.preprocessing == DEFAULT:
            return {}
        text = tf.constant([json.dumps(self.preprocessing.to_dict())])
        # Not `tf.fill`: ONNX fills with numbers alone.
        return {
            "preprocessing": tf.gather(text, tf.zeros(tf.shape(batch)[:1], tf.int32))
        }

    def maps(self, outputs: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """The maps at both resolutions, of what `network` gives."""
        maps = {}
        for name in self.attention:
            maps[name] = outputs[name]
            rows, columns = self.grids[name].interpolation(
                outputs[name].shape[1:], self.image_shape[:2]
            )
            # Constants on the left: on the right LiteRT makes a dense layer of it, and
            # int8 could leave that in float32 only with all the others.
            across = tf.linalg.matmul(columns, outputs[name], transpose_b=True)
            maps[f"{name}_image"] = tf.linalg.matmul(rows, across, transpose_b=True)
        return maps

    def _places(self, outputs: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """The grids of the maps, once for each image."""
        images = tf.shape(outputs["logits"])[0]
        grids = {name: self.grids[name] for name in self.attention}
        return {
            f"{name}_grid": tf.tile([[*grid.offset, *grid.stride]], (images, 1))
            for name, grid in grids.items()
        }


def _with_evidence(model: keras.Model) -> keras.Model:
    """With the evidence for the top class, where the model can be taken apart."""
    try:
        return models.evidence_model(model, of_predicted=True)
    except SettingError:
        return model  # without attention, or with a head of another kind


def _place(name: str) -> tuple:
    """Levels by their number, then estimators of other names by these."""
    number = name.removeprefix("level_")
    return (not number.isdigit(), int(number) if number.isdigit() else 0, name)


def _at_least_one(batch: tf.Tensor) -> tf.Operation:
    return tf.Assert(tf.shape(batch)[0] > 0, ["a batch must hold at least one image"])
