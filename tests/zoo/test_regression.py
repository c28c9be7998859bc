"""The regression pipeline: its sample, its networks, and tables from training to prediction."""

import csv
import json

import numpy as np
import pytest
from pipelines import built, read, reader
from sklearn.preprocessing import StandardScaler

from kzoo.cli import main
from kzoo.data.tables import Row
from kzoo.inference.predicting import find_predicting, predicted
from kzoo.models.saving import load_model, read_card
from kzoo.runs.folder import list_runs
from kzoo.tasks.values import predicted_values
from kzoo_zoo.regression import data
from kzoo_zoo.regression.pipeline import Regression

TINY = ["--epochs", "2", "--quiet"]


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(path, rows, header="size,colour,weight,price", separator=","):
    path.write_text("\n".join([header, *(separator.join(map(str, row)) for row in rows)]), encoding="utf-8")
    return path


def houses(count=60):
    generator = np.random.default_rng(0)
    for i in range(count):
        size, colour = generator.integers(50, 200), generator.choice(["red", "blue"])
        yield size, colour, "" if i % 7 == 0 else round(generator.normal(), 3), 1000 * size + 5000 * (colour == "red")


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """One tiny run on a table that the tests of evaluate and predict share."""
    root = tmp_path_factory.mktemp("trained")
    table = write(root / "houses.csv", houses())
    asked = ["run", "regression", "--data", str(table), "--target", "price", "--recipe", "quick", *TINY]
    assert main([*asked, "--out", str(root / "runs")]) == 0
    return list_runs(root / "runs")[0]


def test_what_a_person_fills_in_is_what_a_table_holds(trained):
    rows = find_predicting(str(trained.path)).reader()
    fields = {field.name: field for field in rows.input_fields()}
    assert {name: field.choices for name, field in fields.items()} == {
        "size": (), "colour": ("blue", "red"), "weight": ()}  # fmt: skip
    sizes = np.array([row[0] for row in houses()])
    assert sizes.min() < float(fields["size"].default) < sizes.max()
    assert fields["colour"].default == "blue"
    filled = {"size": "120", "colour": "red", "weight": ""}
    found, _ = predicted(rows, [rows.item(filled), rows.item({"size": 120, "colour": "red", "weight": None})])
    assert found[0].values == found[1].values


def test_the_sample_is_the_function_that_it_says_with_its_noise():
    sample = data.sample()
    assert (len(sample.train), len(sample.test)) == (1000, 200)
    for split in (sample.train, sample.test):
        noise = split.y[:, 0] - (20 + 2 * split.x[:, 0] + 10 * np.sin(split.x[:, 0]))
        assert abs(noise.mean()) < 0.2
        assert 0.9 < noise.std() < 1.1
        assert np.abs(split.x).max() <= 5
        assert split.y.min() > 0
    assert sample.train.digest() == data.sample().train.digest()
    assert not set(sample.train.x[:, 0]) & set(sample.test.x[:, 0])


def test_the_classic_network_is_the_tutorials():
    model = built(Regression(), (1,), 1, network="classic").model
    dense = [layer for layer in model.layers if layer.count_params()]
    assert [layer.units for layer in dense] == [64, 64, 1]
    assert [layer.activation.__name__ for layer in dense] == ["relu", "relu", "linear"]


def test_the_default_network_learns_in_standard_deviations():
    sample = data.sample()
    inputs = np.concatenate([sample.train.x, 1.7e9 + sample.train.x, np.full_like(sample.train.x, 3.0)], axis=1)
    model = built(Regression(), (3,), 1, train=type(sample.train)(inputs, sample.train.y)).model
    normalized = np.asarray(model.get_layer("normalized_inputs")(inputs))
    np.testing.assert_allclose(normalized, StandardScaler().fit_transform(inputs), rtol=1e-6, atol=1e-9)
    unit = model.get_layer("unit_of_the_target")
    scaler = StandardScaler().fit(sample.train.y)
    np.testing.assert_allclose(unit(np.array([[1.0]])), scaler.inverse_transform([[1.0]]), rtol=1e-5)
    # Of a column that never changed in training, another value must not be taken for ten million deviations.
    assert np.asarray(model.get_layer("normalized_inputs")(inputs[:1] + np.array([0, 0, 1])))[0, 2] == 1.0


@pytest.mark.parametrize("network", ["classic", "default"])
@pytest.mark.parametrize(("predicts", "columns"), [("values", 1), ("positive", 1), ("gaussians", 2)])
def test_the_outputs_are_what_the_loss_compares(network, predicts, columns):
    model = built(Regression(), (2,), 1, network=network, problem={"predicts": predicts}).model
    outputs = np.asarray(model(np.random.default_rng(0).normal(size=(100, 2)) * 100))
    assert outputs.shape == (100, columns)
    assert (outputs[:, -1] >= 0).all() or predicts == "values"


def test_mean_and_variance_are_told_as_mean_and_deviation():
    rows = [Row(index=0, path=None, values=np.array([0.5]))]
    asked = reader(Regression(), lambda x: np.array([[3.0, 4.0]]), {"schema": data.SAMPLE_SCHEMA.to_dict()})
    (found,) = asked.predict(rows)
    assert found.to_dict() == {"values": {"y": 3.0, "y deviation": 2.0}}
    assert predicted_values(np.array([[3.0, 4.0]]), 1).tolist() == [[3.0]]


def test_a_run_on_a_table_keeps_its_columns_with_the_model(trained):
    manifest = trained.manifest()
    assert manifest.data.sizes == {"train": 43, "validation": 5, "test": 12}
    assert set(manifest.test_results) == {"loss", "rmse", "mae", "r2_score"}
    card = read_card(trained.model_path)
    assert card.own["schema"] == manifest.data.schema
    assert card.own["schema"]["target"] == "price"
    assert [column["name"] for column in card.own["schema"]["columns"]] == ["size", "colour", "weight"]
    assert card.own["schema"]["columns"][1]["categories"] == ["blue", "red"]
    assert card.output_names == ("price",)
    assert {path.name for path in (trained.path / "plots").iterdir()} == {"curves.png", "values.png"}
    assert "Predicted and true values" in (trained.path / "report.html").read_text()


def test_evaluate_repeats_what_the_run_found(trained, capsys):
    assert main(["evaluate", str(trained.path), "--json"]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["metrics"] == pytest.approx(trained.manifest().test_results)
    assert json.loads(out)["per_class"] == {}
    assert "not the one" not in err
    assert main(["evaluate", str(trained.path), "--data", "sample"]) == 1
    assert "`size`, `colour`, `weight`" in capsys.readouterr().err


@pytest.mark.long
def test_a_new_table_is_measured_on_as_a_whole_and_that_of_the_run_on_its_test_rows(trained, folder, capsys):
    table = write(folder / "new.csv", [("red", 100, "", 7), ("blue", 150, 0.5, 8)], header="colour,size,weight,price")
    assert main(["evaluate", str(trained.path), "--data", str(table), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["size"], found["measured"]) == (2, "all of it")
    inputs = np.array([[100, 0, 1, read_card(trained.model_path).own["schema"]["columns"][2]["fill"], 1],
                       [150, 1, 0, 0.5, 0]])  # fmt: skip
    mean = load_model(trained.model_path).predict(inputs, verbose=0)[:, 0]
    assert found["metrics"]["mae"] == pytest.approx(np.abs(mean - [7, 8]).mean(), rel=1e-5)
    single = write(folder / "single.csv", [("red", 100, 1, 7)], header="colour,size,weight,price")
    assert main(["evaluate", str(trained.path), "--data", str(single)]) == 0
    assert "1 test examples, all of it" in capsys.readouterr().out
    own = trained.path.parents[2] / "houses.csv"
    for named in ([], ["--data", str(own)], ["--data", f"{own.parent}/../{own.parent.name}/houses.csv"]):
        assert main(["evaluate", str(trained.path), *named]) == 0
        assert "12 test examples, its test split" in capsys.readouterr().out
    again = write(folder / "houses.csv", houses())  # the same rows, elsewhere: whoever names it means all of it
    assert main(["evaluate", str(trained.path), "--data", str(again)]) == 0
    assert "60 test examples, all of it" in capsys.readouterr().out


def test_predictions_of_a_table_are_those_of_the_model_by_hand(trained, folder, capsys):
    table = write(
        folder / "new.csv",
        [("red", 100, "", 7), ("blue", 150, 0.5, 8), ("blue", "many", 0.5, 9)],
        header="colour,size,weight,id",
    )
    out = folder / "out.csv"
    assert main(["predict", str(trained.path), str(table), "--csv", str(out)]) == 1
    shown, said = capsys.readouterr()
    assert f"{table}, line 4: column `size` holds `many`, which is no finite number." in said
    card = read_card(trained.model_path)
    median = card.own["schema"]["columns"][2]["fill"]
    inputs = np.array([[100, 0, 1, median, 1], [150, 1, 0, 0.5, 0]])
    expected = load_model(trained.model_path).predict(inputs, verbose=0)[:, 0]
    rows = list(csv.DictReader(out.open()))
    assert [row["row"] for row in rows] == ["1", "2"]
    np.testing.assert_allclose([float(row["price"]) for row in rows], expected, rtol=1e-5)
    assert shown.splitlines()[0].split()[-1] == "price"  # as the data spells it
    assert main(["predict", str(trained.path), str(table), "--json"]) == 1
    first, _, third = map(json.loads, capsys.readouterr().out.splitlines())
    assert first == {"table": str(table), "row": 1, "values": {"price": pytest.approx(expected[0], rel=1e-5)}}
    assert "many" in third["error"]


def test_a_table_that_lacks_a_column_is_refused_by_its_name(trained, folder, capsys):
    table = write(folder / "new.csv", [("red", 1)], header="colour,weight")
    assert main(["predict", str(trained.path), str(table)]) == 1
    assert "lacks `size`" in capsys.readouterr().err


def test_decimal_commas_mean_the_same_numbers(trained, folder, capsys):
    points = write(folder / "a.csv", [(100, "red", 1.5)], header="size,colour,weight")
    commas = write(folder / "b.csv", [(100, "red", "1,5")], header="size;colour;weight", separator=";")
    for table in (points, commas):
        assert main(["predict", str(trained.path), str(table), "--json"]) == 0
    first, second = map(json.loads, capsys.readouterr().out.splitlines())
    assert first["values"] == second["values"]


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["run", "regression", "--data", "real"], 1, ["no data set to download", "--data FILE.csv"]),
        (["run", "regression", "--data", "t.csv", "--target", "z"], 2, ["`z`", "`a`, `y`"]),
        (["run", "regression", "--target", "price"], 2, ["no column `price`", "--data"]),
        (["run", "regression", "-o", "data.tarket=y"], 2, ["`data.tarket`", "`data.target`"]),
        (["run", "regression", "-o", "model.predicts=positive"], 2, ["`model.predicts`"]),
        (["run", "regression", "--data", "."], 1, ["is a folder"]),
        (["run", "regression", "--loss", "categorical_crossentropy"], 2, ["scaled_mse"]),
        (["fetch", "regression"], 1, ["no data set to download"]),
        (["run", "mnist", "--target", "y"], 2, ["no option `--target`"]),
        (["predict", "regression", "t.csv"], 2, ["needs a trained model"]),
    ],
)
def test_errors(folder, capsys, arguments, code, words):
    write(folder / "t.csv", [(i, i) for i in range(9)], header="a,y")
    assert main(arguments) == code
    said = capsys.readouterr().err
    for word in words:
        assert word in said


@pytest.mark.long
def test_a_loss_of_mean_and_variance_trains_with_metrics_of_the_mean(folder, capsys):
    assert main(["run", "regression", "--recipe", "quick", "--loss", "gaussian_nll", *TINY]) == 0
    (run,) = list_runs(folder / "runs")
    capsys.readouterr()
    write(folder / "x.csv", [(1.0,)], header="x")
    assert main(["predict", "last", "x.csv", "--json"]) == 0
    values = json.loads(capsys.readouterr().out)["values"]
    assert values["y deviation"] > 0
    x, y = data.sample().test.x, data.sample().test.y
    mean = load_model(run.model_path).predict(x, verbose=0)[:, :1]
    assert run.manifest().test_results["mae"] == pytest.approx(float(np.abs(mean - y).mean()), rel=1e-4)


@pytest.mark.long
def test_a_metric_of_mean_and_variance_sees_both(folder, capsys):
    asked = ["run", "regression", "--recipe", "quick", "--metric", "crps", *TINY, "-o", "report=false"]
    assert main([*asked, "--loss", "crps"]) == 0
    (run,) = list_runs(folder / "runs")
    results = run.manifest().test_results
    assert results["crps"] == pytest.approx(results["loss"], rel=1e-4)
    capsys.readouterr()
    assert main([*asked, "--loss", "mse"]) == 2
    assert "train both: `crps`, `gaussian_nll`" in capsys.readouterr().err


@pytest.mark.long
def test_the_loss_of_the_tutorial_falls_below_a_twentieth(folder):
    shorter = ["--epochs", "40", "--quiet", "-o", "report=false", "-o", "metrics=[]"]  # of 100
    assert main(["run", "regression", "--recipe", "classic", *shorter]) == 0
    history = list_runs(folder / "runs")[0].manifest().training.history
    assert history[-1]["loss"] < history[0]["loss"] / 20


@pytest.mark.long
def test_the_unit_of_the_target_does_not_matter(folder):
    for name, unit in (("a.csv", 1.0), ("b.csv", 1e-6)):
        write(folder / name, [(i / 30, unit * (1 + (i - 30) ** 2)) for i in range(60)], header="x,y")
        assert main(["run", "regression", "--recipe", "quick", "--data", name, *TINY, "-o", "report=false"]) == 0
    first, second = (run.manifest().test_results["r2_score"] for run in list_runs(folder / "runs"))
    assert first == pytest.approx(second, rel=1e-3)


def test_targets_that_lead_a_metric_astray_are_said(folder):
    path = write(folder / "t.csv", [(number, number % 7 - 3) for number in range(40)], "x,y")
    notes = read(Regression(), path).notes
    assert any("`y` is below 0 in 18 rows: `msle`" in note for note in notes)
    assert any("`y` is 0 in 6 rows: `mape`" in note for note in notes)
    assert read(Regression(), write(folder / "u.csv", [(n, n + 1) for n in range(9)], "x,y")).notes == ()
