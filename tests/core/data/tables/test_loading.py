"""From a file to training and test rows, and every table that cannot be used."""

import numpy as np
import pytest

from kzoo.data.tables import TableSettings, read_table
from kzoo.errors import DataError, UsageError
from kzoo.settings import read_settings


def table(tmp_path, text, **settings):
    path = tmp_path / "t.csv"
    path.write_text(text)
    return read_table(path, read_settings(TableSettings, settings, prefix="data."))


def lines(header, row, count=20):
    return "\n".join([header, *(row(i) for i in range(count))])


def test_rows_targets_and_what_is_said_of_them(tmp_path):
    dataset, schema = table(tmp_path, lines("a,y,b", lambda i: f"{i},{10 * i},{-i}"), target="y")
    assert (len(dataset.train), len(dataset.test)) == (16, 4)
    assert dataset.train.x.dtype == np.float64
    assert dataset.train.y.shape == (16, 1)
    np.testing.assert_array_equal(dataset.train.y[:, 0], 10 * dataset.train.x[:, 0])
    np.testing.assert_array_equal(dataset.train.x[:, 1], -dataset.train.x[:, 0])
    together = np.concatenate([dataset.train.x[:, 0], dataset.test.x[:, 0]])
    assert sorted(together) == list(range(20))
    assert schema.target == "y"
    assert dataset.input_names == ("a", "b")
    assert dataset.output_names == ("y",)
    assert "20 rows of t.csv, 4 kept for the test: `y` from columns: 2 of numbers" in dataset.description
    assert dataset.notes == ()


def test_the_test_rows_depend_on_their_number_alone(tmp_path):
    first, _ = table(tmp_path, lines("a,y", lambda i: f"{i},{i}"))
    again, _ = table(tmp_path, lines("b,c,y", lambda i: f"{i},red,{i * i}"))
    np.testing.assert_array_equal(first.test.x[:, 0], again.test.x[:, 0])
    half, _ = table(tmp_path, lines("a,y", lambda i: f"{i},{i}"), test_fraction=0.5)
    assert len(half.test) == 10


def test_without_a_name_the_target_is_the_last_column_and_that_is_said(tmp_path):
    dataset, schema = table(tmp_path, lines("a,b", lambda i: f"{i},{i}"))
    assert schema.target == "b"
    assert "the target is the last column" in dataset.description


def test_medians_and_categories_are_those_of_the_training_rows(tmp_path):
    plain, _ = table(tmp_path, lines("a,y", lambda i: f"{i},{i}"))
    kept = {int(x) for x in plain.test.x[:, 0]}

    def row(i):
        return f"{1000 if i in kept else i % 2 or ''},{'rare' if i in kept else 'common'},{i}"

    dataset, schema = table(tmp_path, lines("a,c,y", row))
    number, texts = schema.columns
    assert (number.fill, number.indicator) == (1.0, True)
    assert texts.categories == ("common",)
    assert (dataset.test.x[:, -1] == 0).all()


def test_rows_without_a_target_are_left_out_and_that_is_said(tmp_path):
    dataset, _ = table(tmp_path, lines("a,y", lambda i: f"{i},{'NaN' if i in (2, 5) else i}"))
    assert len(dataset.train) + len(dataset.test) == 18
    (note,) = dataset.notes
    assert "2 row(s) without `y` left out (first in line 4)" in note
    assert "2 row(s) without `y`" in dataset.description


def test_an_index_without_a_name_is_left_out_and_that_is_said(tmp_path):
    dataset, schema = table(tmp_path, lines(",a,y", lambda i: f"{i},{i},{i}"))
    assert schema.features == ["a"]
    assert "index" in dataset.notes[0]


def test_columns_can_be_left_out_or_taken_as_categories(tmp_path):
    text = lines("id,zip,a,y", lambda i: f"x{i},{10 + i % 2},{i},{i}")
    _, schema = table(tmp_path, text, exclude=["id"], categorical=["zip"])
    assert schema.features == ["zip=10", "zip=11", "a"]


def test_quoted_numbers_and_decimal_commas(tmp_path):
    dataset, _ = table(tmp_path, lines('"a";"y"', lambda i: f'"{i},5";"{i}"'))
    np.testing.assert_array_equal(dataset.train.x[:, 0], dataset.train.y[:, 0] + 0.5)


def test_large_numbers_keep_their_last_digits(tmp_path):
    dataset, _ = table(tmp_path, lines("time,y", lambda i: f"{1_700_000_000 + i},{i}"))
    np.testing.assert_array_equal(dataset.train.x[:, 0] - 1_700_000_000, dataset.train.y[:, 0])


MOSTLY = lines("a,y", lambda i: f"{'oops' if i == 3 else i},{i}")


@pytest.mark.parametrize(
    ("text", "settings", "words"),
    [
        ("a,y\n", {}, ["has a header and no rows"]),
        ("a,y\n1,2\n", {}, ["1 row(s)"]),
        ("y\n1\n2\n", {}, ["no column to predict `y` from"]),
        (lines("a,y", lambda i: f"{i},3"), {}, ["`y` is 3 in every row"]),
        ("a,y\n1,\n2,\n", {}, ["`y`", "empty in every row"]),
        ("a,y\n1,2\n2,red\n", {}, ["target `y`", "`red` in line 3", "--target"]),
        ("a,y\n1,2\n2,inf\n", {}, ["`inf` in line 3"]),
        ("a,y\n1,2\n2,1e39\n3,4\n", {}, ["32-bit"]),
        ("a,b,y\n1,,2\n2,,3\n", {}, ["`b`", "is empty", "data.exclude=b"]),
        (MOSTLY, {}, ["`a`", "19 numbers and 1 texts", "line 5: `oops`", "data.categorical=a"]),
        ('a,y\n"1,5",2\n"2,5",3\n', {}, ["line 2: `1,5`", "semicolons"]),
        ('a,y\n"1,500",2\n12,3\n', {}, ["thousands"]),
        ("a;y\n1,5;2\n1.5;3\n", {}, ["decimal comma", "alike"]),
        ("a,b,y\n1,2,3\n1,2\n", {}, ["Line 3", "2 cells where the header has 3"]),
        (lines("a,y", lambda i: f"t{i},{i}", 60), {}, ["`a`", "more than 50 different texts", "max_categories"]),
        (lines("a,y", lambda i: f"t{i % 3},{i}"), {"max_categories": 2}, ["more than 2"]),
    ],
)
def test_tables_that_cannot_be_used(tmp_path, text, settings, words):
    with pytest.raises(DataError) as caught:
        table(tmp_path, text, **settings)
    for word in words:
        assert word in str(caught.value)


def test_a_column_that_only_test_rows_hold_is_refused(tmp_path):
    plain, _ = table(tmp_path, lines("a,y", lambda i: f"{i},{i}"))
    kept = {int(x) for x in plain.test.x[:, 0]}
    with pytest.raises(DataError, match=r"`b` .* is empty in all rows that are not kept"):
        table(tmp_path, lines("a,b,y", lambda i: f"{i},{i if i in kept else ''},{i}"))


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"target": "z"}, ["data.target", "`z`", "`a`, `y`"]),
        ({"exclude": ["z"]}, ["data.exclude", "`z`"]),
        ({"categorical": ["z"]}, ["data.categorical", "`z`"]),
        ({"target": "y", "exclude": ["y"]}, ["`y`, which is the target"]),
        ({"test_fraction": 1.0}, ["data.test_fraction", "below 1"]),
        ({"test_fraction": "half"}, ["data.test_fraction", "must be a number", "'half'"]),
        ({"max_categories": 0}, ["data.max_categories", "at least 1"]),
    ],
)
def test_settings_that_cannot_be(tmp_path, settings, words):
    with pytest.raises(UsageError) as caught:
        table(tmp_path, lines("a,y", lambda i: f"{i},{i}"), **settings)
    for word in words:
        assert word in str(caught.value)


def test_a_trained_models_schema_is_followed(tmp_path):
    _, schema = table(tmp_path, lines("c,a,y", lambda i: f"{'red' if i % 2 else 'blue'},{i},{i}"))
    other = lines("a,extra,y,c", lambda i: f"{i},?,{2 * i},{'red' if i else 'green'}")
    dataset, followed = read_table(_written(tmp_path, other), TableSettings(), schema)
    assert followed == schema
    together = np.concatenate([dataset.train.x, dataset.test.x])
    assert sorted(together[:, :2].sum(axis=1)) == [0.0] + [1.0] * 19
    assert any("`green` in line 2" in note for note in dataset.notes)
    with pytest.raises(DataError, match=r"Line 3 .*: column `a` holds `two`"):
        read_table(_written(tmp_path, "c,a,y\nred,1,1\nred,two,2\n"), TableSettings(), schema)
    with pytest.raises(DataError, match="lacks `c`"):
        read_table(_written(tmp_path, "a,y\n1,1\n"), TableSettings(), schema)


def test_every_row_is_measured_on_where_a_table_is_new(tmp_path):
    _, schema = table(tmp_path, lines("a,y", lambda i: f"{i},{i}"))
    other = _written(tmp_path, lines("a,y", lambda i: f"{i},{'' if i == 3 else 2 * i}", count=7))
    dataset, _ = read_table(other, TableSettings(), schema, whole=True)
    assert (len(dataset.train), dataset.test.x[:, 0].tolist()) == (0, [0, 1, 2, 4, 5, 6])
    assert dataset.test.y[:, 0].tolist() == [0, 2, 4, 8, 10, 12]
    assert "6 rows of other.csv, all measured on" in dataset.description
    one, _ = read_table(_written(tmp_path, "a,y\n1,2\n"), TableSettings(), schema, whole=True)
    assert len(one.test) == 1
    with pytest.raises(DataError, match="row"):
        read_table(_written(tmp_path, "a,y\n1,\n"), TableSettings(), schema, whole=True)


def _written(tmp_path, text):
    path = tmp_path / "other.csv"
    path.write_text(text)
    return path
