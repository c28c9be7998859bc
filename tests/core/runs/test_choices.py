"""Components that fit a task, those inside others too, before Keras is there."""

import subprocess
import sys

import pytest

from kzoo.errors import UsageError
from kzoo.plugins.reference import Reference
from kzoo.plugins.registry import get_registry
from kzoo.runs.choices import check_components
from kzoo.runs.comparison import Comparison, comparison_of
from kzoo.runs.config import RunConfig


def checked(loss, task="classification", optimizer="adam"):
    values = {"loss": Reference.parse(loss).to_mapping(), "optimizer": Reference.parse(optimizer).to_mapping()}
    return check_components(RunConfig({**values, "metrics": []}), task, get_registry())


@pytest.mark.parametrize(
    ("loss", "task", "said"),
    [
        ("mixture:losses=[soft_dise]", "classification", r"Inside `mixture:losses=\[soft_dise\]`: No loss named"),
        ("mixture:losses=[emd,soft_dice]", "classification", r"`soft_dice` .* is for segmentation, not for"),
        ("mixture:losses=[mixture(losses=[mse,ssim])]", "regression", r"`ssim` .* is for restoration, not for"),
        (
            "mixture:losses=[categorical_crossentropy,sparse_categorical_crossentropy]",
            "classification",
            "`categorical_crossentropy` takes one-hot labels, `sparse_categorical_crossentropy` takes class indices",
        ),
        ("mixture:losses=[gaussian_nll,mse]", "regression", "`gaussian_nll` compares gaussians, `mse` compares values"),
    ],
)
def test_what_stands_inside_a_loss_must_fit(loss, task, said):
    with pytest.raises(UsageError, match=said):
        checked(loss, task)


def test_what_stands_inside_an_optimizer_is_looked_up():
    with pytest.raises(UsageError, match=r"Inside `adam:.*No schedule named `warmup_cosinus`. Did you mean"):
        checked("emd", optimizer="adam:learning_rate=warmup_cosinus(warmup_steps=5)")
    with pytest.raises(UsageError, match=r"Inside `lookahead:.*No schedule named `nothing`"):
        checked("emd", optimizer="lookahead:inner=adam(learning_rate=nothing())")
    checked("emd", optimizer="lookahead:inner=adam(learning_rate=0.1),k=3")


@pytest.mark.parametrize(
    ("loss", "optimizer", "said"),
    [
        ("emd", "sgd:learning_rate=nan", "`optimizer.learning_rate` must be a finite number, not nan (from -o)"),
        ("emd", "sgd:learning_rate=NaN", "`optimizer.learning_rate` must be a finite number, not nan (from -o)"),
        ("emd", "lars:learning_rate=-inf", "`optimizer.learning_rate` must be a finite number, not -inf"),
        ("emd", "adam:clipnorm=1e999", "`optimizer.clipnorm` must be a finite number, not inf"),
        ("focal:gamma=NaN", "adam", "`loss.gamma` must be a finite number, not nan (from file a.toml)"),
        ("mixture:losses=[mse,huber(delta=inf)]", "adam", "`delta` of the loss `huber`"),
        ("emd", "adam:learning_rate=cosine_decay(initial_learning_rate=nan)", "rate` of the schedule `cosine_decay`"),
        ("emd", "adam:learning_rate=piecewise_constant_decay(boundaries=[1],values=[1,NaN])", "`values` of the"),
    ],
)  # fmt: skip
def test_a_number_that_must_be_finite_is_refused_by_its_setting(loss, optimizer, said):
    values = {"loss": Reference.parse(loss).to_mapping(), "optimizer": Reference.parse(optimizer).to_mapping()}
    origins = {"loss.gamma": "file a.toml", "optimizer.name": "recipe quick", "optimizer.learning_rate": "-o"}
    config = RunConfig({**values, "metrics": []}, origins)
    task = "regression" if "huber" in loss else "classification"
    with pytest.raises(UsageError) as refused:
        check_components(config, task, get_registry())
    assert said in str(refused.value)


def test_infinity_where_it_has_a_meaning_and_text_that_is_so_called_are_let_through():
    assert Reference.parse("barron:alpha=-Infinity").kwargs == {"alpha": float("-inf")}
    checked("barron:alpha=-Infinity", "regression", optimizer="adam:name=nan")


def test_cautions_of_what_stands_inside_are_said_once():
    (caution,) = checked("mixture:losses=[crossentropy,emd,emd(p=1)]")
    assert caution.startswith("`emd`: ")
    assert "order" in caution


@pytest.mark.parametrize(
    ("loss", "task", "form", "predicts"),
    [
        ("emd", "classification", "dense", "classes"),
        ("mixture:losses=[emd,crossentropy]", "classification", "dense", "classes"),
        ("mixture:losses=[emd,sparse_categorical_crossentropy]", "classification", "sparse", "classes"),
        ("mixture:losses=[mixture(losses=[emd]),sparse_categorical_crossentropy]", "ordinal", "sparse", "classes"),
        ("mixture:losses=[crossentropy,sigmoid_focal]", "binary", "column", "binary"),
        ("coral", "ordinal", "sparse", "thresholds"),
        ("mixture:losses=[coral,crossentropy]", "ordinal", "sparse", "classes"),
        ("mixture:losses=[mse,poisson]", "regression", "", "positive"),
        ("mixture:losses=[gaussian_nll]", "regression", "", "gaussians"),
        ("mixture:losses=[mse,pinball]", "regression", "", "values"),
    ],
)
def test_labels_and_predictions_are_those_that_all_losses_take(loss, task, form, predicts):
    found = comparison_of(Reference.parse(loss), task, get_registry())
    if loss == "coral" or "coral" in loss:
        form = found.label_form  # whichever it takes
    assert found == Comparison(form, predicts)


def test_nothing_heavy_is_imported_for_it():
    program = (
        "import sys; from kzoo.plugins.reference import Reference; from kzoo.plugins.registry import get_registry; "
        "from kzoo.runs.comparison import comparison_of; "
        "comparison_of(Reference.parse('mixture:losses=[emd,crossentropy]'), 'classification', get_registry()); "
        "assert not {'keras', 'tensorflow'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
