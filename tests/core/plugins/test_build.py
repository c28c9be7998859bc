"""From references to live objects, and the errors on the way."""

import sys

import keras
import pytest

from kzoo.errors import KzooError, UsageError
from kzoo.plugins.build import Context, build, check_fits, parameters_of
from kzoo.plugins.reference import Reference
from kzoo.plugins.registry import get_registry


def test_arguments_reach_the_constructor():
    loss = build("loss", "huber:delta=2.5")
    assert isinstance(loss, keras.losses.Huber)
    assert loss.get_config()["name"] == "huber_loss"
    assert build("regularizer", "l2:l2=0.5").l2 == 0.5


def test_the_defaults_are_those_of_keras():
    assert build("optimizer", "adam:name=x").get_config() == keras.optimizers.Adam(name="x").get_config()


def test_defaults_are_given_only_where_the_constructor_has_them():
    assert build("metric", "accuracy", context=Context(label_form="dense"), name="x").name == "x"
    assert build("regularizer", "l1", name="x").l1 == 0.01


@pytest.mark.parametrize(
    ("context", "wanted"),
    [
        (Context("classification", "dense"), keras.metrics.CategoricalAccuracy),
        (Context("classification", "sparse"), keras.metrics.SparseCategoricalAccuracy),
        (Context("binary"), keras.metrics.BinaryAccuracy),
    ],
)
def test_accuracy_is_the_one_that_fits_the_labels(context, wanted):
    assert type(build("metric", "accuracy", context=context)) is wanted


def test_a_schedule_by_name_inside_an_optimizer():
    optimizer = build("optimizer", {"name": "sgd", "learning_rate": {"name": "exponential_decay", "decay_rate": 0.5,
                                    "initial_learning_rate": 1.0, "decay_steps": 10}})  # fmt: skip
    schedule = optimizer._learning_rate
    assert isinstance(schedule, keras.optimizers.schedules.ExponentialDecay)
    assert float(schedule(10)) == pytest.approx(0.5)


def test_the_steps_of_the_run_are_filled_in_where_none_are_given():
    table = {"name": "sgd", "learning_rate": {"name": "cosine_decay", "initial_learning_rate": 1.0}}
    filled = build("optimizer", table, context=Context(total_steps=40))
    assert filled._learning_rate.decay_steps == 40
    table["learning_rate"]["decay_steps"] = 7
    assert build("optimizer", table, context=Context(total_steps=40))._learning_rate.decay_steps == 7


def test_a_warm_up_comes_before_the_decay():
    table = {"name": "sgd", "learning_rate": {"name": "cosine_decay", "initial_learning_rate": 0, "warmup_target": 1,
                                              "warmup_steps": 10}}  # fmt: skip
    schedule = build("optimizer", table, context=Context(total_steps=40))._learning_rate
    assert schedule.decay_steps == 30
    assert [float(schedule(step)) for step in (0, 5, 10, 25, 40)] == pytest.approx([0, 0.5, 1, 0.5, 0], abs=1e-6)


def test_a_whole_number_as_rate_does_not_break_the_schedule():
    schedule = build("schedule", "exponential_decay:initial_learning_rate=1,decay_steps=10,decay_rate=0.5")
    assert float(schedule(10)) == pytest.approx(0.5)


def test_components_inside_components_by_text():
    optimizer = build("optimizer", "lookahead:inner=sgd(learning_rate=cosine_decay(initial_learning_rate=1)),k=3",
                      context=Context(total_steps=40))  # fmt: skip
    assert (type(optimizer.inner), optimizer.inner._learning_rate.decay_steps) == (keras.optimizers.SGD, 40)
    with pytest.raises(UsageError, match=r"schedule `cosine_decay` .*no argument `decay`.*decay_steps"):
        build("optimizer", "sgd:learning_rate=cosine_decay(decay=1)", context=Context(total_steps=40))
    with pytest.raises(UsageError, match=r"No optimizer named `adan_`. Did you mean"):
        build("optimizer", "lookahead:inner=adan_(learning_rate=1)")


def test_the_losses_in_a_loss_are_those_of_the_labels_and_fitted():
    fitted = []

    def fit(loss, entry):
        fitted.append(entry.name)
        return loss

    text = "mixture:losses=[crossentropy,mixture(losses=[emd(p=1)])]"
    loss = build("loss", text, context=Context("classification", "sparse", fit_loss=fit))
    assert isinstance(loss.losses[0], keras.losses.SparseCategoricalCrossentropy)
    assert loss.losses[1].losses[0].p == 1
    assert fitted == ["crossentropy", "emd", "mixture"]
    objects = build("loss", Reference("mixture", {"losses": [Reference("emd", {"p": 1}), keras.losses.Huber()]}))
    assert [one.name for one in objects.losses] == ["emd", "huber_loss"]
    with pytest.raises(UsageError, match=r"has no argument `weight`"):
        build("loss", Reference("mixture", {"losses": [keras.losses.Huber()], "weight": 1}))


def test_a_wrong_argument_lists_the_right_ones():
    with pytest.raises(UsageError, match=r"has no argument `gama`.*`?delta") as caught:
        build("loss", "huber:gama=1")
    assert "kzoo " in str(caught.value)


def test_a_missing_argument_is_named_with_an_example():
    with pytest.raises(UsageError, match=r"needs `recall`, as in `precision_at_recall:recall="):
        build("metric", "precision_at_recall")


def test_what_the_constructor_refuses_is_passed_on():
    with pytest.raises(UsageError, match=r"refused by its constructor.*p"):
        build("loss", "emd:p=0.5")


@pytest.mark.parametrize("name", ["gone", "absent"])
def test_a_target_that_does_not_exist_names_its_distribution(foreign, name):
    with pytest.raises(KzooError, match=r"kzoo-foreign 1\.4"):
        build("loss", name)


def test_what_does_not_fit_is_refused_with_what_does():
    with pytest.raises(UsageError, match=r"is for regression, not for classification.*categorical_crossentropy"):
        check_fits("loss", Reference.parse("scaled_mse"), "classification", get_registry())
    assert check_fits("loss", Reference.parse("emd"), "ordinal", get_registry()).name == "emd"


def test_parameters_include_those_handed_to_base_classes():
    class Base:
        def __init__(self, a, b=2):
            pass

    class Child(Base):
        def __init__(self, c=3, **kwargs):
            super().__init__(**kwargs)

    assert list(parameters_of(Child)) == ["c", "a", "b"]
    assert list(parameters_of(lambda x, *rest, y=1: None)) == ["x", "y"]


def test_a_fault_inside_another_component_names_both():
    with pytest.raises(UsageError, match=r"^Inside `mixture`: The loss `focal` .* has no argument `gama`"):
        build("loss", "mixture:losses=[crossentropy,focal(gama=2)]")
    with pytest.raises(UsageError, match=r"^Inside `sgd`: The schedule `cosine_decay` .*no argument `decay`"):
        build("optimizer", "sgd:learning_rate=cosine_decay(decay=1)", context=Context(total_steps=40))


def test_a_function_in_a_mixture_is_told_how_to_become_a_loss():
    with pytest.raises(UsageError, match=r"not the function `binary_crossentropy`\. .*take its class.*or write one"):
        build("loss", Reference("mixture", {"losses": [keras.losses.binary_crossentropy]}))


class _SilentError(Exception):
    def __str__(self):
        raise OSError


def _raiser(error):
    def made():
        raise error

    return made


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (_raiser(SystemExit(0)), r"failed when it was made: it called sys.exit\(0\)"),
        (_raiser(_SilentError()), r"failed when it was made: _SilentError, whose text cannot be read"),
        (_raiser(BaseException("panic")), r"failed when it was made: BaseException: panic"),
        (lambda: None, r"is None when it is made, and no Loss of Keras"),
        (keras.metrics.Mean, r"is an object of the type `Mean` when it is made, and no Loss of Keras"),
    ],
)
def test_whatever_a_constructor_does_is_said_with_whose_it_is(made, said, monkeypatch):
    from kzoo.plugins import build as module

    monkeypatch.setattr(module, "load_target", lambda entry, variant: made)
    with pytest.raises(KzooError, match=rf"^The loss `huber` of kzoo [\d.]+ {said}"):
        build("loss", "huber")


def test_what_a_constructor_prints_is_no_result(monkeypatch, capsys):
    from kzoo.plugins import build as module

    def made():
        sys.stdout.write("using huber\n")
        return keras.losses.Huber()

    monkeypatch.setattr(module, "load_target", lambda entry, variant: made)
    build("loss", "huber")
    assert capsys.readouterr() == ("", "using huber\n")


def test_a_number_that_is_none_is_refused_by_the_argument_before_the_constructor():
    with pytest.raises(UsageError, match=r"^`learning_rate` of the optimizer `sgd` .*must be a finite number, not nan"):
        build("optimizer", {"name": "sgd", "learning_rate": float("nan")})
