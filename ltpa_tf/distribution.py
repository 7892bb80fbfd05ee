"""Which devices train: one, all of this machine, or several machines."""

import contextlib
import os
import sys
from collections.abc import Iterator

import numpy as np
import tensorflow as tf

from ltpa_tf import cluster
from ltpa_tf.errors import SettingError, WorkerLostError

_LOST = (
    tf.errors.AbortedError,
    tf.errors.CancelledError,
    tf.errors.DeadlineExceededError,
    tf.errors.FailedPreconditionError,
    tf.errors.InternalError,
    tf.errors.UnavailableError,
)


def make_strategy(name: str = "auto") -> tf.distribute.Strategy:
    """The strategy of `runtime.strategy`.

    To be called before anything else uses TensorFlow, and once per process: the
    collectives of two strategies in one process get in each other's way.

    Args:
        name: `"none"` for one device, `"mirrored"` for all accelerators of this machine
            (or all its logical CPU devices), `"multi_worker"` for the machines of
            `TF_CONFIG` or of a SLURM job, `"tpu"` for the TPU named by `TPU_NAME` or
            this machine's own, `"auto"` for what fits.

    Returns:
        The strategy; TensorFlow's default one for a single device.

    Raises:
        SettingError: If the machine or its environment doesn't allow it.
    """
    if name == "auto":
        name = _suitable()
    if name == "multi_worker":
        return _multi_worker()
    if name == "tpu":
        return _tpu()
    if name == "mirrored":
        return tf.distribute.MirroredStrategy(
            [f"{d.device_type}:{i}" for i, d in enumerate(_devices())]
        )
    return tf.distribute.get_strategy()


def variable_per_replica(value) -> tf.Variable:
    """A variable with a copy on each replica's own device; in the strategy's scope.

    In a replica it is read and assigned without any communication. An int32 one would
    live in the host's memory.
    """
    return tf.Variable(
        value,
        trainable=False,
        synchronization=tf.VariableSynchronization.ON_READ,
        aggregation=tf.VariableAggregation.ONLY_FIRST_REPLICA,
    )


def over_replicas(how: tf.distribute.ReduceOp, value: tf.Tensor) -> tf.Tensor:
    """All replicas' values as one; to be called in a replica.

    TensorFlow gives every collective a gradient of its own, which it keeps for good,
    and with it the graph around: a process that trains many models would grow.
    """
    context = tf.distribute.get_replica_context()
    if context.num_replicas_in_sync == 1:
        return value
    return context.all_reduce(how, value)


def pack(tensors: list[tf.Tensor]) -> tf.Tensor:
    """All the tensors' values in one row: one large message instead of many small."""
    return tf.concat([tf.reshape(t, [-1]) for t in tensors], 0)


def unpack(packed: tf.Tensor, shapes: list) -> list[tf.Tensor]:
    """The tensors of these shapes that `pack` put in a row."""
    sizes = [int(np.prod(shape)) for shape in shapes]
    parts = tf.split(packed, sizes) if sizes else []
    return [tf.reshape(p, s) for p, s in zip(parts, shapes, strict=True)]


def is_chief(strategy: tf.distribute.Strategy) -> bool:
    """Whether this process is the one that writes the run folder."""
    resolver = strategy.cluster_resolver
    if resolver is None or resolver.task_type is None:
        return True
    cluster = resolver.cluster_spec().as_dict()
    return resolver.task_type == "chief" or (
        "chief" not in cluster
        and resolver.task_type == "worker"
        and resolver.task_id == 0
    )


def workers(strategy: tf.distribute.Strategy) -> int:
    """The number of processes that train together."""
    if not strategy.extended._in_multi_worker_mode():
        return 1
    cluster = strategy.cluster_resolver.cluster_spec().as_dict()
    return sum(len(cluster.get(job, ())) for job in ("chief", "worker"))


def xla_reduces(strategy: tf.distribute.Strategy) -> bool:
    """Whether XLA can add up over replicas: TensorFlow lets it on a machine's GPUs.

    Each replica's program then holds a thread until all have met, so there must be more
    cores, by which TensorFlow counts its threads, than replicas.
    """
    replicas = strategy.num_replicas_in_sync
    return (
        isinstance(strategy, tf.distribute.MirroredStrategy)
        and replicas > 1
        and bool(_gpus())
        and len(os.sched_getaffinity(0)) > replicas
    )


def has_accelerator() -> bool:
    """Whether this process sees a GPU or TPU."""
    return bool(_gpus() or tf.config.list_logical_devices("TPU"))


def device_name() -> str:
    """The device that trains, in words, for the summary."""
    gpus = tf.config.list_physical_devices("GPU")
    if not gpus:
        return "CPU"
    details = tf.config.experimental.get_device_details(gpus[0])
    return f"{len(gpus)} x {details.get('device_name', 'GPU')}"


def _suitable() -> str:
    found = cluster.from_environment()
    if found and cluster.size(found["cluster"]) > 1:
        return "multi_worker"
    if tf.config.list_physical_devices("TPU"):
        return "tpu"
    return "mirrored" if len(_gpus()) > 1 else "none"


def _gpus() -> list:
    return tf.config.list_logical_devices("GPU")


def _devices() -> list:
    return _gpus() or tf.config.list_logical_devices("CPU")


def _multi_worker() -> tf.distribute.Strategy:
    found = cluster.from_environment()
    if found is None:
        raise SettingError(
            "runtime.strategy",
            "multi_worker",
            "another one: neither TF_CONFIG nor a SLURM job step (srun) is here",
        )
    job, index = found["task"]["type"], found["task"]["index"]
    mine = found["cluster"][job][index]
    others = {address for job in found["cluster"].values() for address in job} - {mine}
    if others:
        # There is no screen yet, and this can take as long as the others like.
        waiting = f"Waiting for the other workers: {', '.join(sorted(others))}."
        print(waiting, file=sys.stderr, flush=True)
    resolver = tf.distribute.cluster_resolver.SimpleClusterResolver(
        tf.train.ClusterSpec(found["cluster"]),
        task_type=job,
        task_id=index,
        # Asked for without starting the devices, which would be too early.
        num_accelerators={"GPU": len(tf.config.get_visible_devices("GPU"))},
        rpc_layer="grpc",
    )
    # Left to itself TensorFlow sends what GPUs add up through gRPC.
    collectives = tf.distribute.experimental.CommunicationImplementation
    gpus = bool(tf.config.get_visible_devices("GPU"))
    options = tf.distribute.experimental.CommunicationOptions(
        implementation=collectives.NCCL if gpus else collectives.AUTO
    )
    try:
        return tf.distribute.MultiWorkerMirroredStrategy(
            cluster_resolver=resolver, communication_options=options
        )
    except tf.errors.UnknownError as error:
        if "gRPC server" not in error.message:
            raise
        raise SettingError(
            "TF_CONFIG" if "TF_CONFIG" in os.environ else "SLURM_JOB_ID",
            mine,
            f"an address with a port that is free here ({error.message}): what listens "
            "on it may be this worker's earlier process",
        ) from None


def _tpu() -> tf.distribute.Strategy:
    try:
        resolver = tf.distribute.cluster_resolver.TPUClusterResolver(
            os.environ.get("TPU_NAME", "local")
        )
        tf.config.experimental_connect_to_cluster(resolver)
        tf.tpu.experimental.initialize_tpu_system(resolver)
    except (ValueError, OSError, tf.errors.OpError) as error:
        reason = str(error).splitlines()[0]
        raise SettingError(
            "runtime.strategy", "tpu", f"another one: no TPU was found ({reason})"
        ) from None
    return tf.distribute.TPUStrategy(resolver)


@contextlib.contextmanager
def lost_workers_as_errors(strategy: tf.distribute.Strategy) -> Iterator[None]:
    """Turns TensorFlow's errors about a lost worker into a sentence.

    TensorFlow notices a worker that is gone at once, or by its missing heartbeat within
    some ten seconds, and ends every collective operation of the others.

    Raises:
        WorkerLostError: Instead of them.
    """
    try:
        yield
    except _LOST as error:
        if workers(strategy) == 1:
            raise
        raise WorkerLostError(
            "Another worker of this run was lost. Start all of them again with the "
            "same command; they continue from the newest checkpoint. TensorFlow says: "
            + _cause(str(error.message))
        ) from error


def _cause(message: str) -> str:
    """The line of TensorFlow's message that says what happened, below its preamble."""
    preamble = ("Graph execution error", "Detected at node", "<stack traces", "  ")
    lines = [line for line in message.splitlines() if line.strip()]
    return next((x for x in lines if not x.startswith(preamble)), message).strip()


class Agreement:
    """Decisions that all workers must take alike.

    Each worker has its own clock and its own signals, but saving and stopping are done
    together or not at all. With one process this is only its own opinion.

    Args:
        strategy: The strategy.
    """

    def __init__(self, strategy: tf.distribute.Strategy):
        self._strategy = strategy
        self._alone = workers(strategy) == 1
        self._chief = is_chief(strategy)
        self._sum = tf.function(self._sum_over_workers)

    def reach(self, save: bool, stop: bool) -> tuple[bool, bool]:
        """Saves if the chief wants to; stops if anyone does."""
        if self._alone:
            return save, stop
        mine = tf.constant([float(save and self._chief), float(stop)])
        save, stop = (self._sum(mine) > 0).numpy().tolist()
        return save, stop

    def of_chief(self, value: int) -> int:
        """The chief's value, everywhere."""
        if self._alone:
            return value
        # On GPUs TensorFlow has no sum of int32.
        mine = tf.constant([value if self._chief else 0], tf.int64)
        return int(self._sum(mine)[0])

    def _sum_over_workers(self, mine: tf.Tensor) -> tf.Tensor:
        """The sum over workers: of each, its first replica speaks."""
        local = self._strategy.num_replicas_in_sync // workers(self._strategy)

        def speak():
            context = tf.distribute.get_replica_context()
            first = context.replica_id_in_sync_group % local == 0
            return context.all_reduce(
                tf.distribute.ReduceOp.SUM, tf.where(first, mine, tf.zeros_like(mine))
            )

        return self._strategy.experimental_local_results(self._strategy.run(speak))[0]
