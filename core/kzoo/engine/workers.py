"""The processes that train one model together, as each of them sees the others: what they gather, add up and agree on.

Nothing here divides variables or steps: every process has all of the model and does all of the arithmetic that depends
on the whole batch. What goes between them is what the network puts out, and gradients, through TensorFlow's collective
operations. So loss, metrics and optimizer are those of one process, whatever they compute.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import threading
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from kzoo.engine import parent
from kzoo.engine.cluster import VARIABLE, config_of, is_local_worker
from kzoo.errors import KzooError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from kzoo.engine.cluster import Cluster

__all__ = ["OtherWorkerError", "Workers", "join"]

_GROUP = 7001  # a number that no group of TensorFlow's own has
_KEYS = 2**31 - 1
_CARRIED = (tf.float32, tf.float16, tf.float64, tf.int32, tf.int64)  # what the collective operations take
_INSTEAD = {tf.bfloat16: tf.float32, tf.uint32: tf.int64}  # of others int32, which holds all of their values
_LOST: tuple[Any, ...] = (tf.errors.UnavailableError, tf.errors.CancelledError, tf.errors.AbortedError)
_LOST += (tf.errors.InternalError, tf.errors.DeadlineExceededError, tf.errors.UnknownError)


class OtherWorkerError(KzooError):
    """Another process of the training ended, or cannot be reached any more."""


class Workers:
    """The processes of one training.

    Every process must call the same methods in the same order.

    Args:
        count: How many there are.
        index: Which of them this process is; 0 is the chief.
        device: The device on which this one computes.
    """

    def __init__(self, count: int, index: int, device: str) -> None:
        self.count, self.index, self.device = count, index, device
        self._made = 0
        with tf.init_scope(), tf.device(device):
            # What hands over to what in a graph: NCCL needs the same order everywhere.
            self._order = tf.Variable(0.0, trainable=False, name="order_of_collectives")
        self._hint = "nccl" if "GPU" in device else "ring"
        self._summed: Callable[..., Any] | None = None

    @property
    def is_chief(self) -> bool:
        """Whether this process writes the run."""
        return self.index == 0

    def stack(self, x: Any) -> Any:
        """Return a tensor that all processes have in the same shape, theirs one after the other in a new first axis."""
        x = tf.convert_to_tensor(x)
        if x.dtype == tf.string:
            message = "A text cannot be sent from one worker to another: training data must be numbers."
            raise UsageError(message)
        carried = x if x.dtype in _CARRIED else tf.cast(x, _INSTEAD.get(x.dtype, tf.int32))
        flat = tf.reshape(carried, [-1])
        with tf.device(self.device):
            found = tf.raw_ops.CollectiveGatherV2(
                input=flat,
                group_size=self.count,
                group_key=_GROUP,
                instance_key=self._key(x),
                ordering_token=[self._order.handle],
                communication_hint=self._hint,
            )
        found = tf.cast(tf.reshape(found, tf.concat([[self.count], tf.shape(x)], 0)), x.dtype)
        return tf.ensure_shape(found, [self.count, *x.shape])

    def total(self, x: Any) -> Any:
        """Return the sum of a floating tensor over all processes, to the bit the same in each of them."""
        x = tf.convert_to_tensor(x)
        carried = tf.cast(x, _INSTEAD.get(x.dtype, x.dtype))
        with tf.device(self.device):
            found = tf.raw_ops.CollectiveReduceV2(
                input=carried,
                group_size=self.count,
                group_key=_GROUP,
                instance_key=self._key(x),
                ordering_token=[self._order.handle],
                merge_op="Add",
                final_op="Id",
                communication_hint=self._hint,
            )
        return tf.cast(found, x.dtype)

    def whole(self, part: Any, size: Any) -> Any:
        """Return the whole of what each process has a part of, in the order of one process.

        Its gradient with respect to ``part`` is that of one process times the number of processes: all have the same
        loss of the whole, and the mean over them of what follows is then the gradient of that loss.

        Args:
            part: Rows ``index``, ``index + count``, ... of the whole.
            size: The rows of the whole.
        """
        count, index = self.count, self.index
        rows = -(-size // count)

        @tf.custom_gradient  # type: ignore[untyped-decorator]
        def gathered(x: Any) -> tuple[Any, Any]:
            there = tf.shape(x)[0]
            around = tf.concat([[[0, rows - there]], tf.zeros([tf.rank(x) - 1, 2], tf.int32)], 0)
            stacked = self.stack(tf.ensure_shape(tf.pad(x, around), [None, *x.shape[1:]]))
            axes = [1, 0, *range(2, len(x.shape) + 1)]
            found = tf.reshape(tf.transpose(stacked, axes), tf.concat([[count * rows], tf.shape(x)[1:]], 0))[:size]

            def gradient(upstream: Any) -> Any:
                own = upstream[index::count]
                missing = tf.concat([[[0, there - tf.shape(own)[0]]], tf.zeros([tf.rank(own) - 1, 2], tf.int32)], 0)
                return tf.ensure_shape(tf.pad(own, missing), x.shape) * tf.cast(count, upstream.dtype)

            return tf.ensure_shape(found, [None, *x.shape[1:]]), gradient

        return gathered(part)

    def mean_gradients(self, gradients: Sequence[Any], wish: Any) -> tuple[list[Any], Any]:
        """Return the means of gradients over all processes, and whether one of them has a wish; all in one message.

        Args:
            gradients: Tensors of any shapes and floating types, or None where a variable has none.
            wish: A boolean scalar.
        """
        dense: list[Any] = [None if one is None else tf.convert_to_tensor(one) for one in gradients]
        kinds = list(dict.fromkeys(one.dtype for one in dense if one is not None)) or [tf.float32]
        found = list(dense)
        wished = None
        for kind in kinds:
            places = [at for at, one in enumerate(dense) if one is not None and one.dtype == kind]
            parts = [tf.reshape(dense[at], [-1]) for at in places]
            flat = self.total(tf.concat([*parts, tf.cast([wish], kind)], 0))
            wished = flat[-1] > 0 if wished is None else wished
            sizes = [*(tf.size(part) for part in parts), 1]
            for at, part in zip(places, tf.split(flat, tf.stack(sizes), num=len(sizes)), strict=False):
                found[at] = tf.reshape(part, tf.shape(dense[at])) / tf.cast(self.count, kind)
                found[at] = tf.ensure_shape(found[at], dense[at].shape)
        return found, wished

    def any(self, value: bool) -> bool:  # noqa: FBT001 - it is the question itself
        """Return whether it is true in one of the processes; for code outside of graphs."""
        return bool(self._numbers(np.array([float(value)]))[0] > 0)

    def told(self, values: Mapping[str, float] | None) -> dict[str, float]:
        """Return the chief's numbers, which the others give as None."""
        return {name: float(value) for name, value in json.loads(self._text(json.dumps(values))).items()}

    def all_texts(self, text: str) -> list[str]:
        """Return a text of each process, in their order."""
        raw = np.frombuffer(text.encode(), np.uint8)
        lengths = np.zeros(self.count)
        lengths[self.index] = len(raw)
        lengths = self._numbers(lengths).astype(int)
        stacked = np.zeros((self.count, int(lengths.max())))
        stacked[self.index, : len(raw)] = raw
        stacked = self._numbers(stacked)
        return [bytes(row[:n].astype(np.uint8)).decode() for row, n in zip(stacked, lengths, strict=True)]

    def chiefs(self, values: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Return the chief's arrays, which the others have in the same shapes and types."""
        found = []
        for value in values:
            raw = np.frombuffer(np.ascontiguousarray(value).tobytes(), np.uint8)
            sent = raw.astype(np.float64) if self.is_chief else np.zeros(len(raw))
            told = self._numbers(sent).astype(np.uint8).tobytes() if len(raw) else b""
            found.append(np.frombuffer(told, value.dtype).reshape(value.shape).copy())
        return found

    def _text(self, text: str) -> str:
        return self.all_texts(text if self.is_chief else "")[0]

    def _numbers(self, values: np.ndarray) -> np.ndarray:
        """Return the sum of an array of float64 over all processes."""
        if self._summed is None:
            spec = tf.TensorSpec([None], tf.float64)
            self._summed = tf.function(self.total, input_signature=[spec])
        with self.watched():
            found = self._summed(tf.constant(values.reshape(-1), tf.float64))
        return np.asarray(found).reshape(values.shape)

    def _key(self, x: Any) -> Any:
        """Return a number for a call and a shape, the same in all processes: TensorFlow ties one to the other."""
        self._made += 1
        shape = tf.strings.reduce_join(tf.strings.as_string(tf.shape(x)), separator="x")
        text = tf.strings.join([f"{self._made}:", shape])
        return tf.cast(tf.strings.to_hash_bucket_fast(text, _KEYS), tf.int32)

    @contextlib.contextmanager
    def watched(self) -> Iterator[None]:
        """Have what TensorFlow raises where another process is gone say so.

        Raises:
            OtherWorkerError: In place of that.
        """
        try:
            yield
        except _LOST as error:
            if "ollective" not in str(error) and "/job:" not in str(error):
                raise
            known = parent.reason()
            others = "another worker" if self.count > 2 else f"worker {1 - self.index}"  # noqa: PLR2004 - two
            told = known or f"{others} ended, or cannot be reached any more"
            message = f"This training of {self.count} workers cannot go on: {told}."
            raise OtherWorkerError(message) from error


def join(cluster: Cluster) -> Workers:
    """Wait for all processes of a cluster, and return them; to be called before TensorFlow has computed anything.

    Raises:
        KzooError: TensorFlow is in use already, a port is taken, or there are fewer GPUs than local workers.
    """
    if is_local_worker():
        _share_machine(cluster)
    before = os.environ.get(VARIABLE)
    os.environ[VARIABLE] = config_of(cluster.addresses, cluster.index)  # one kind of process, whatever it said
    try:
        strategy = tf.distribute.MultiWorkerMirroredStrategy()
    except RuntimeError as error:
        message = (
            "Several workers find each other before TensorFlow computes anything, and this process has computed with "
            "it already. Begin with the training, or use `kzoo run`."
        )
        raise KzooError(message) from error
    except tf.errors.OpError as error:
        message = (
            f"Worker {cluster.index} of {cluster.count} cannot join the others at {cluster.addresses[cluster.index]}: "
            f"{str(error).splitlines()[0].rstrip('.')}. Each needs an address that the others reach, with a free port."
        )
        raise KzooError(message) from error
    finally:
        if before is None:
            del os.environ[VARIABLE]
        else:
            os.environ[VARIABLE] = before
    _take_signals_back()
    device = strategy.extended.worker_devices[0]
    workers = Workers(cluster.count, cluster.index, device)
    workers.strategy = strategy  # type: ignore[attr-defined] # with it go the connections
    return workers


def _take_signals_back() -> None:
    """Set Python's handlers again: TensorFlow has put one of its own, which does nothing, in the place of SIGTERM's."""
    if threading.current_thread() is not threading.main_thread():
        return
    for number in (signal.SIGINT, signal.SIGTERM):
        if (handler := signal.getsignal(number)) is not None:
            signal.signal(number, handler)


def _share_machine(cluster: Cluster) -> None:
    """Take this process's share of the machine's processors and GPUs."""
    if threads := parent.threads():
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(threads)
    gpus = tf.config.list_physical_devices("GPU")
    if not gpus:
        return
    if len(gpus) < cluster.count:
        message = (
            f"This machine shows {len(gpus)} GPU{'s' * (len(gpus) > 1)}, and each of {cluster.count} workers needs one "
            "of its own. Take fewer workers, or CUDA_VISIBLE_DEVICES=-1 to train on the processor."
        )
        raise UsageError(message)
    tf.config.set_visible_devices(gpus[cluster.index], "GPU")
