"""A preset as a run, so that every program which takes a run can measure it.

    python -m ltpa_tf.benchmark.preset_run --preset=cifar100_att3_small \
        --data=cifar100.npz --workdir=runs/cifar100
    python -m pipelines.evaluate --workdir=runs/cifar100 --maps=evidence,gradcam

The run's test part is that of the `.npz` file, of other images of the same classes if
they are new to the model: so one learns what it is worth on one's own. It was not
trained: the folder has no summary and no metrics.

With `--match_sharpness` test images are brought to the training images' sharpness, as
`data.match_sharpness` does, and the model doesn't do so itself. With `--small_boxes`
only test images are kept whose box covers less than a quarter, and with `--every=4`
every fourth of what is left: methods that ask the model a thousand times an image need
few.
"""

import argparse
from collections.abc import Sequence

import numpy as np

from ltpa_tf.quiet import start_tensorflow


def main(argv: Sequence[str] | None = None) -> None:
    """Writes the folder, and says how many test images it has."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--preset", required=True)
    parser.add_argument("--data", required=True, help="an .npz file")
    parser.add_argument("--workdir", required=True)
    parser.add_argument("--match_sharpness", action="store_true")
    parser.add_argument("--small_boxes", action="store_true")
    parser.add_argument("--every", type=int, default=1)
    flags = parser.parse_args(argv)
    start_tensorflow()
    print(f"{flags.workdir}: {_write(flags)} test images")


def _write(flags: argparse.Namespace) -> int:
    from ltpa_tf import config, data, models
    from ltpa_tf.configs import common
    from ltpa_tf.errors import SettingError
    from ltpa_tf.evaluation.map_measures import SMALL
    from ltpa_tf.evaluation.pointing import box_mask
    from ltpa_tf.files import write_text
    from ltpa_tf.run import RunFolder

    model = models.from_preset(flags.preset, soften=not flags.match_sharpness)
    names = models.preset_metadata(flags.preset)["class_names"]
    given = data.load("npz", dir=flags.data, match_sharpness=flags.match_sharpness)
    if list(given.class_names) != list(names):
        accepted = f"a file whose label_names are those of {flags.preset}"
        raise SettingError("--data", flags.data, accepted)
    test, kept = given.test, np.arange(len(given.test))
    if flags.small_boxes:
        if test.boxes is None:
            raise SettingError("--small_boxes", flags.data, "a file with boxes_test")
        kept = kept[box_mask(test.boxes, test.shape[:2]).mean((1, 2)) < SMALL]
    test = test.subset(kept[:: flags.every])

    run = RunFolder(flags.workdir)
    run.create()
    file = run.path / "data.npz"
    images = np.asarray(test.images(np.arange(len(test)), np.int64(0)))
    arrays = {"x_test": images, "y_test": test.labels}
    if test.boxes is not None:
        arrays["boxes_test"] = test.boxes
    # A data set needs a training image of every class; nothing is trained here.
    labels, first = np.unique(given.train.labels, return_index=True)
    images = np.asarray(given.train.images(first, np.int64(0)))
    arrays |= {"x_train": images, "y_train": labels}
    np.savez(file, label_names=np.array(names), **arrays)
    settings = common.get_config()
    settings.data.name, settings.data.dir = "npz", str(file.absolute())
    write_text(run.config_file, config.to_json(settings))
    run.write_dataset(data.load("npz", dir=str(file)))
    model.save(run.model_file)
    return len(test)


if __name__ == "__main__":
    main()
