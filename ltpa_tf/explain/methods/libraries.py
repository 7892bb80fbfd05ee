"""Maps that two libraries make: Xplique and tf-keras-vis, both MIT-licensed.

Xplique 2.0.2 asks for TensorFlow 2.20 with CUDA, and runs on 2.21 as well; it is
installed beside the extra `maps` without its requirements. What is known to need care
is done here: channels are never summed with opposite signs, patches of an occlusion
don't overlap, and missing colour is a middle grey, not black.
"""

import contextlib
import importlib
import io
import warnings
from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf

from ltpa_tf.errors import SettingError
from ltpa_tf.explain.methods.gradients import last_features
from ltpa_tf.explain.methods.method import placed
from ltpa_tf.models import grids

INSTALL = {
    "xplique": (
        "pip install 'ltpa_tf[maps]'; pip install --no-deps xplique==2.0.2 "
        "tensorflow-probability==0.25.0 tf-keras==2.21.0"
    ),
    "tf_keras_vis": "pip install 'ltpa_tf[maps]'",
}
GREY = 127.5
_NOISE = 0.15 * 255  # of SmoothGrad: its paper's 10 to 20% of the range

# Name -> class of xplique.attributions, its settings, and how channels become one.
XPLIQUE: dict[str, tuple[str, dict, str]] = {
    "smoothgrad": ("SmoothGrad", {"nb_samples": 25, "noise": _NOISE}, "largest"),
    "integrated_gradients": (
        "IntegratedGradients",
        {"steps": 32, "baseline_value": GREY},
        "sum",
    ),
    "guided_backprop": ("GuidedBackprop", {}, "largest"),
    "occlusion": ("Occlusion", {"occlusion_value": GREY}, "sum"),
    "rise": ("Rise", {"nb_samples": 1000, "mask_value": GREY}, "sum"),
}
_BLACK_BOX = ("occlusion", "rise")
# RISE shifts all masks of a batch alike: of large ones a map's peak lies on their grid.
_BATCH = {"rise": 32}


def xplique(model: keras.Model, size: tuple[int, int], name: str) -> Callable:
    """One of `XPLIQUE`."""
    attributions = library("xplique", name).attributions
    kind, settings, how = XPLIQUE[name]
    if name not in _BLACK_BOX:
        settings = {**settings, "reducer": None}
    if name == "occlusion":
        side = max(1, min(size) // 8)
        settings = {**settings, "patch_size": side, "patch_stride": side}
    batch = _BATCH.get(name, 256)
    explainer = getattr(attributions, kind)(model, batch_size=batch, **settings)
    classes_of_model = model.output_shape[-1]

    def maps(images, classes):
        found = explainer(images, tf.one_hot(classes, classes_of_model))
        found = tf.convert_to_tensor(found)
        if len(found.shape) == 4:
            if how == "largest":
                found = tf.reduce_max(tf.abs(found), -1)
            else:
                found = tf.reduce_sum(found, -1)
        return {name: found}

    return maps


def score_cam(model: keras.Model, size: tuple[int, int]) -> Callable:
    """Score-CAM (Wang et al., arXiv 1910.01279): channels weighted by what each shows.

    Of the layer that Grad-CAM takes. A forward pass for each of its channels: slow.
    """
    library("tf_keras_vis", "scorecam")
    from tf_keras_vis.scorecam import Scorecam

    model = _alone(model)
    name = last_features(model)
    features = model.get_layer(name).input if name.startswith("level_") else None
    if features is not None:
        features = features[0] if isinstance(features, list) else features
        name = features._keras_history.operation.name
    explainer = Scorecam(model)
    grid = grids(model, size)[name]

    def maps(images, classes):
        def score(outputs):
            return tf.gather(outputs, classes, axis=1, batch_dims=1)

        # Its calls of `predict` draw progress bars of their own, and are warned of.
        with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            cells = explainer(
                score,
                images,
                penultimate_layer=name,
                seek_penultimate_conv_layer=False,
                expand_cam=False,
                normalize_cam=False,
                batch_size=256,
            )
        return {"scorecam": placed(tf.cast(np.asarray(cells), tf.float32), grid, size)}

    return maps


def _alone(model: keras.Model) -> keras.Model:
    """A copy whose layers are in no other model.

    tf-keras-vis takes a layer's first output, which is another model's where the layer
    was in that one before, as it is in what `models.prune` gives.
    """
    copy = keras.models.clone_model(keras.Model(model.input, model.output))
    copy.set_weights(model.get_weights())
    return copy


def library(module: str, name: str):
    """The imported library.

    Raises:
        SettingError: If it, or something that it needs, isn't installed.
    """
    inner = {"xplique": "xplique.attributions", "tf_keras_vis": "tf_keras_vis"}
    try:
        importlib.import_module(inner[module])
        return importlib.import_module(module)
    except ImportError as error:
        raise SettingError(
            "--maps", name, f"it with {module} installed ({error}): {INSTALL[module]}"
        ) from None
