"""When a wish to stop is heard: at once, after what must be whole, inside a compiled call."""

import contextlib
import os
import signal

import pytest

from kzoo.engine.interrupt import Stopped, StopRequest, as_ctrl_c, came_from_a_signal, stoppable


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_a_signal_is_heard_at_once_or_held(name):
    said = []
    with stoppable(said.append, held=False) as stop:
        with pytest.raises(Stopped):
            os.kill(os.getpid(), getattr(signal, name))
        assert (stop.signal, said) == (name, [])
    with stoppable(said.append) as stop:
        os.kill(os.getpid(), getattr(signal, name))
        assert (stop(), stop.signal, len(said)) == (True, name, 1)
        with pytest.raises(Stopped):
            os.kill(os.getpid(), getattr(signal, name))  # the second one is not held
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL


def test_what_must_be_whole_is_done_first():
    stop, done = StopRequest(held=False), []
    with stop.held():
        stop.ask("SIGINT")
        done.append("all")
    with pytest.raises(Stopped):
        stop.check()
    assert done == ["all"]
    with stop.held(), contextlib.suppress(Stopped), stop.heard():
        done.append("more")
    assert done == ["all"]


def test_a_compiled_call_sees_it_while_it_goes_on():
    import tensorflow as tf

    limit = 1_000_000
    with stoppable() as stop:
        flag = stop.flag()

        def begin():
            os.kill(os.getpid(), signal.SIGTERM)
            return 0

        @tf.function
        def spin():
            # The loop begins with what the signal's sender returns: on one core they would have no order otherwise.
            first = tf.ensure_shape(tf.py_function(begin, [], tf.int32), ())
            return tf.while_loop(lambda i: tf.logical_and(i < limit, tf.logical_not(flag)), lambda i: [i + 1], [first])

        (turns,) = spin()
        assert stop.signal == "SIGTERM"
    assert int(turns) < limit


def test_sigterm_is_ctrl_c_where_nobody_handles_it():
    with as_ctrl_c(), pytest.raises(KeyboardInterrupt) as caught:
        os.kill(os.getpid(), signal.SIGTERM)
    assert came_from_a_signal(caught.value)
    with stoppable():
        assert not came_from_a_signal(KeyboardInterrupt())
        assert came_from_a_signal(Stopped())


def test_a_shared_wish_waits_until_all_know_of_it():
    asked = []

    def ask(own):
        asked.append(own)
        return own or len(asked) == 2  # at the second place another process has a wish

    stop = StopRequest(held=False)
    stop.share(ask)
    stop.agree()
    stop.check()
    stop.agree()
    assert (asked, stop.signal, bool(stop.flag()), bool(stop.wish())) == ([False, False], "SIGTERM", True, False)
    with pytest.raises(Stopped):
        stop.check()


def test_a_compiled_step_carries_a_shared_wish():
    stop = StopRequest(held=False)
    stop.share(lambda own: own)
    agreed = stop.flag()
    stop.ask("SIGINT")  # raises nothing, though nothing is held: the others would wait for this process
    assert (bool(stop.wish()), bool(agreed), stop.signal) == (True, False, "")
    agreed.assign(stop.wish())  # what a step does with the wishes of all
    stop.settle()
    assert stop.signal == "SIGINT"
    with pytest.raises(Stopped):
        stop.ask("SIGINT")  # the second one is heard at once


def test_a_wish_before_there_are_others_is_shared_too():
    stop = StopRequest()
    stop.ask("SIGTERM")
    stop.share(lambda own: own)
    assert (bool(stop.wish()), stop.signal) == (True, "")
    stop.agree()
    assert stop.signal == "SIGTERM"
