"""TensorBoard's HParams page, written without TensorFlow: it would take a GPU."""

from pathlib import Path

from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.plugins.hparams import api
from tensorboard.plugins.hparams.api_pb2 import Status
from tensorboard.plugins.hparams.summary import session_end_pb
from tensorboard.summary.writer.event_file_writer import EventFileWriter

from ltpa_tf.tuning.space import Space
from ltpa_tf.tuning.values import label


def write(found: list[dict], space: Space, workdir: Path, objective: str) -> None:
    """Adds the trials that have ended and aren't there yet.

    Args:
        found: All trials, see `results.rows`.
        space: What is searched.
        workdir: The search's folder, TensorBoard's `--logdir`; a trial's session is
            its folder in it, and the curves of its runs are below that.
        objective: The metric that counts.
    """
    hparams = {key: _hparam(space, key) for key in space.keys}
    metric = api.Metric(objective, display_name=objective)
    config = api.hparams_config_pb(list(hparams.values()), [metric])
    _write_once(workdir, config)
    for row in found:
        if row["status"] not in ("COMPLETED", "FAILED"):
            continue
        settings = row["settings"]
        values = {hparams[key]: _plain(settings.get(key, "")) for key in settings}
        parts = [api.hparams_pb(values, trial_id=str(row["trial"]))]
        if row[objective] is not None:
            value = Summary.Value(tag=objective, simple_value=row[objective])
            parts.append(Summary(value=[value]))
        completed = row["status"] == "COMPLETED"
        status = Status.STATUS_SUCCESS if completed else Status.STATUS_FAILURE
        _write_once(row["folder"], *parts, session_end_pb(status))


def _write_once(folder: Path, *summaries) -> None:
    if any(folder.glob("events.out.tfevents.*")):
        return
    writer = EventFileWriter(str(folder))
    for summary in summaries:
        # hparams makes TensorFlow's kind of message, the writer takes TensorBoard's.
        own = Summary.FromString(summary.SerializeToString())
        writer.add_event(Event(summary=own))
    writer.close()


def _hparam(space: Space, key: str) -> api.HParam:
    item = space.range_of(key)
    if space.is_finite(item):
        values = [value for r in space.ranges if r.key == key for value in r.values]
        if all(isinstance(value, str | tuple) for value in values):
            return api.HParam(key, api.Discrete(sorted({label(v) for v in values})))
        return api.HParam(key)
    return api.HParam(key, api.RealInterval(*map(float, item.values)))


def _plain(value: object) -> object:
    return label(value) if isinstance(value, tuple) else value
