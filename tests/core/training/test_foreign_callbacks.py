"""Callbacks that a program gives to `kzoo.run`: called as `fit` calls them, named when they fail, and resumed."""

import keras
import numpy as np
import pytest

import kzoo
from kzoo.errors import ComponentError, UsageError
from kzoo.training.added_logs import LastLogs
from kzoo.training.foreign_callbacks import check_callbacks, naming_callbacks, without_state

TINY = {
    "data": "sample",
    "recipe": "quick",
    "epochs": 3,
    "limit": 40,
    "batch_size": 20,
    "verbose": 0,
    "options": {"report": False},
}


class Counts(keras.callbacks.Callback):
    """Counts epochs, and keeps the losses."""

    def __init__(self, stop=None):
        super().__init__()
        self.losses, self.stop = [], stop

    def on_epoch_end(self, epoch, logs=None):
        self.losses.append(logs["loss"])
        if epoch == self.stop:
            self.fail()

    def fail(self):
        raise ValueError("the sky is green")  # noqa: EM101

    def state(self):
        return {"losses": np.array(self.losses)}

    def restore(self, state):
        self.losses = state["losses"].tolist()


class Adds(keras.callbacks.Callback):
    def __init__(self, value):
        super().__init__()
        self.value = value

    def on_epoch_end(self, epoch, logs=None):
        logs["extra"] = self.value


def end_epoch(*callbacks, logs=None):
    """Call callbacks as a training does, in Keras's own list of them."""
    last = LastLogs()
    called = keras.callbacks.CallbackList([*callbacks, last], model=keras.Sequential(), epochs=1, steps=1)
    called.on_epoch_end(0, logs or {"loss": 1.0})
    return last.added_to({"loss": 1.0})


def test_what_fails_is_named():
    one = Counts(stop=0)
    with pytest.raises(ComponentError) as raised, naming_callbacks([Counts(), one]):
        end_epoch(Counts(), one)
    line = Counts.fail.__code__.co_firstlineno + 1
    assert str(raised.value) == (
        "The callback `Counts` failed in `on_epoch_end`: ValueError: the sky is green "
        f"({__file__}, line {line}). Mend it, or leave it out of `callbacks`."
    )
    assert isinstance(raised.value.__cause__, ValueError)


def test_one_of_a_distribution_is_named_with_it():
    callback = keras.callbacks.LearningRateScheduler(lambda epoch: "fast")
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    said = (
        rf"The callback `LearningRateScheduler` of keras {keras.__version__} failed in `on_epoch_begin`: ValueError: "
    )
    with pytest.raises(ComponentError, match=said), naming_callbacks([callback]):
        keras.callbacks.CallbackList([callback], model=model, epochs=1, steps=1).on_epoch_begin(0)


def test_what_is_not_theirs_stays_what_it_is():
    with pytest.raises(ValueError, match="the sky"), naming_callbacks([Counts()]):
        Counts().fail()
    with pytest.raises(UsageError), naming_callbacks([Counts()]):
        check_callbacks([3])


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ([3], r"`callbacks` must be a list of Keras callbacks, and it holds 3 \(int\)"),
        ([Counts], r"it holds the class Counts; make one of it: Counts\(\)"),
        (["EarlyStopping"], "it holds 'EarlyStopping'"),
        ([keras.callbacks.BackupAndRestore("folder")], r"keeps its state itself, .* leave out the callback"),
    ],
)
def test_what_is_no_callback_is_refused(given, said):
    with pytest.raises(UsageError, match=said):
        check_callbacks(given)


@pytest.mark.parametrize("given", [3, "EarlyStopping"])
def test_what_is_no_list_is_refused(given):
    with pytest.raises(UsageError, match="`callbacks` must be a list of Keras callbacks, not"):
        kzoo.run("mnist", callbacks=given, **TINY)


@pytest.mark.parametrize("value", [0.5, np.float32(0.5), np.array(0.5), keras.Variable(0.5)])
def test_what_they_add_to_the_logs_is_a_plain_number(value):
    added = end_epoch(Adds(value))
    assert added == {"extra": 0.5}
    assert type(added["extra"]) is float


def test_what_no_log_can_hold_is_refused():
    with pytest.raises(UsageError, match="has put `extra` into the logs, an object of the type Sequential"):
        end_epoch(Adds(keras.Sequential()))


def test_those_without_a_state_are_told_of():
    assert without_state([Counts()]) == ""
    assert "EarlyStopping. One that has the methods `state()`" in without_state([keras.callbacks.EarlyStopping()])


@pytest.mark.long
def test_keras_s_own_do_what_they_do_in_fit(tmp_path):
    """The learning rate is in the log, and the training ends early, as Keras's own `fit` has it."""
    scheduler = keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate / 2)
    stopping = keras.callbacks.EarlyStopping("loss", patience=0, mode="max")
    given = {"optimizer": "sgd:learning_rate=0.5", "callbacks": [scheduler, stopping]}
    result = kzoo.run("mnist", out=tmp_path, **{**TINY, "epochs": 4}, **given)
    assert [logs["learning_rate"] for logs in result.history] == [
        0.25 / 2**epoch for epoch in range(len(result.history))
    ]
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, kernel_initializer="zeros")])
    model.compile(keras.optimizers.SGD(0.5), "mse")
    fitted = model.fit(np.ones((4, 1)), np.ones((4, 1)), epochs=4, verbose=0, callbacks=given["callbacks"])
    assert fitted.history["learning_rate"] == [0.25, 0.125]
    losses = [logs["loss"] for logs in result.history]
    assert len(losses) == 4 or losses[-1] <= losses[-2]
    assert result.run.manifest().callbacks == ["LearningRateScheduler", "EarlyStopping"]
    assert "learning_rate" in (result.run.path / "metrics.csv").read_text().splitlines()[0]


@pytest.mark.long
def test_they_go_on_where_they_were(tmp_path):
    whole = Counts()
    kzoo.run("mnist", out=tmp_path / "whole", callbacks=whole, **TINY)
    assert len(whole.losses) == 3
    with pytest.raises(ComponentError, match="the sky is green"):
        kzoo.run("mnist", out=tmp_path, callbacks=[Counts(stop=1)], **TINY)
    out = {"out": tmp_path, "verbose": 0}
    with pytest.raises(kzoo.KzooError, match=r"the callbacks: Counts then, nothing now \(`kzoo.run` takes them"):
        kzoo.run(resume="last", **out)
    again = Counts()
    kzoo.run(resume="last", callbacks=[again], **out)
    assert again.losses == whole.losses
