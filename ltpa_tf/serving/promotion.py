"""A version that a server would load gets a label, here or where it is copied to."""

import contextlib
import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from ltpa_tf.errors import SettingError
from ltpa_tf.serving import server_files, versions
from ltpa_tf.serving.check_version import problems


def promote(
    directory: str | os.PathLike,
    labels: Mapping[str, int],
    *,
    base_path: str | None = None,
    copy_to: str | os.PathLike | None = None,
    check: bool = True,
) -> dict[str, int]:
    """Moves labels to versions that a server would load.

    A version that doesn't load is no small matter: the newest one keeps a server from
    starting, whatever the others are.

    Args:
        directory: Folder of the versions.
        labels: Label -> version; the other labels stay where they are.
        base_path: See `server_files.write`.
        copy_to: Another folder of versions, such as a volume that servers read. The
            versions are copied into it, all of them aside first and then renamed, so
            that no server sees half of one, or some without the others, and get their
            labels there. The first one in it gets `stable` and `canary`, too.
        check: Whether each version is loaded and asked before.

    Returns:
        All labels as they are now.

    Raises:
        SettingError: If a version doesn't exist, has something wrong with it or is in
            `copy_to` already, or a label can't be part of a URL.

    Example:
        >>> serving.promote("saved_models/mine", {"stable": 1})
        {'canary': 1, 'stable': 1}
    """
    server_files.check_labels(directory, labels)
    existing, target = versions.list_versions(directory), Path(copy_to or directory)
    max_batch = server_files.batch_sizes(target)[-1]
    for version in sorted(set(labels.values())) if check else ():
        found = problems(existing[version], load=True, max_batch=max_batch)
        if found:
            raise SettingError(
                "--version",
                version,
                "a version that a server loads: " + "; ".join(found),
            )
    if copy_to:
        chosen = {versions.free_version(target, v) for v in labels.values()}
        if not server_files.read_labels(target):
            labels = dict.fromkeys(("stable", "canary"), max(chosen)) | labels
        # All are renamed at the end, when all of them are whole.
        with contextlib.ExitStack() as copies:
            for version in chosen:
                aside = copies.enter_context(versions.new_version(target, version))
                shutil.copytree(existing[version], aside, dirs_exist_ok=True)
    return server_files.label(target, labels, base_path)
