"""From a file to training and test rows, and every table that cannot be used."""

from datetime import UTC, datetime

import numpy as np
import pytest

from kzoo.data.tables import TableSchema, TableSettings, read_table
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


DAY = 24 * 3600


@pytest.mark.parametrize(
    ("header", "cell", "expected", "words"),
    [
        ("a,y", lambda i: f"${i}.50", lambda i: i + 0.5, "numbers, without `$`"),
        ("a,y", lambda i: f"-${i}.50", lambda i: -i - 0.5, "numbers, without `$`"),
        ("a,y", lambda i: f'"$1,0{i:02d}"', lambda i: 1000 + i, "numbers, without `$` and `,` between thousands"),
        ("a,y", lambda i: f"{i}%", lambda i: i, "numbers, without `%`"),
        ("a,y", lambda i: f"{i}.5 kg", lambda i: i + 0.5, "numbers, without `kg`"),
        ("a,y", lambda i: f"{i} rooms", lambda i: i, "numbers, without `rooms`"),
        ("a,y", lambda i: f'"2,001,0{i:02d}"', lambda i: 2_001_000 + i, "numbers, without `,` between thousands"),
        ("a,y", lambda i: ['"1,234,567"', "12", '"1,234"'][i % 3], lambda i: [1234567, 12, 1234][i % 3], "thousands"),
        ("a;y", lambda i: f"{i}.234,5", lambda i: 1000 * i + 234.5, "`.` between thousands"),
        ("a;y", lambda i: f"1'0{i:02d}.5", lambda i: 1000.5 + i, "`'` between thousands"),
        ("a;y", lambda i: f"{i},5 %", lambda i: i + 0.5, "numbers, without `%`"),
        ("a,y", lambda i: f"2024-02-{i + 1:02d}", lambda i: 19754 + i, "dates, as days since 1970-01-01"),
        ("a,y", lambda i: f"2024/2/{i + 1}", lambda i: 19754 + i, "dates, as days"),
        ("a,y", lambda i: f"2024-02-01T{i:02d}:30:00+02:00", lambda i: 19754 + (i - 1.5) / 24, "dates, as days"),
        ("a,y", lambda i: f"{i}:30", lambda i: i + 0.5, "times of day, as hours"),
        ("a,y", lambda i: f"{i % 12 + 1}:30 pm", lambda i: 12 + (i % 12 + 1) % 12 + 0.5, "times of day"),
        ("a,y", lambda i: ["True", "FALSE", "true"][i % 3], lambda i: [1, 0, 1][i % 3], "yes or no, as 1 or 0"),
        ("a,y", lambda i: "Yn"[i % 2], lambda i: 1 - i % 2, "yes or no"),
    ],
)
def test_what_is_written_otherwise_than_a_number_and_is_one(tmp_path, header, cell, expected, words):
    said = []
    path = tmp_path / "t.csv"
    path.write_text(lines(header, lambda i: f"{cell(i)}{header[1]}{i}"))
    dataset, schema = read_table(path, TableSettings(), say=said.append)
    assert schema.features == ["a"]
    rows = dataset.train.y[:, 0]
    np.testing.assert_allclose(dataset.train.x[:, 0], [expected(int(i)) for i in rows], rtol=0, atol=1e-9)
    assert f"`a`: {words}" in said[0] or words in said[0]
    assert TableSchema.from_dict(schema.to_dict()) == schema
    again, _ = read_table(path, TableSettings(), schema)  # as a trained model reads it
    np.testing.assert_array_equal(again.train.x, dataset.train.x)


def test_dates_are_the_days_that_python_counts(tmp_path):
    moments = [datetime(1999 + i, 1 + i % 12, 28, i, 3 * i, i, tzinfo=UTC) for i in range(20)]
    dataset, _ = table(tmp_path, lines("a,y", lambda i: f"{moments[i].isoformat()},{i}"))
    expected = [moments[int(i)].timestamp() / DAY for i in dataset.train.y[:, 0]]
    np.testing.assert_allclose(dataset.train.x[:, 0], expected, rtol=0, atol=1e-9)


@pytest.mark.parametrize(
    ("cell", "why"),
    [
        (lambda i: ["01234", "98765", "12345"][i % 3], "`01234` in line 2 begins with 0"),
        (lambda i: str(12345678901234567890 + i % 3), "more digits than a number keeps"),
    ],
)
def test_digits_that_are_no_number_are_names_and_that_is_said(tmp_path, cell, why):
    dataset, schema = table(tmp_path, lines("a,y", lambda i: f"{cell(i)},{i}"))
    assert schema.columns[0].categories == tuple(sorted(cell(i) for i in range(3)))
    assert why in dataset.notes[0]
    other = _written(tmp_path, lines("a,y", lambda i: f"{cell(i)},{i}"))
    again, _ = read_table(other, TableSettings(), schema)
    np.testing.assert_array_equal(again.train.x, dataset.train.x)


def test_zeros_before_a_number_can_be_left_out(tmp_path):
    dataset, schema = table(tmp_path, lines("a,y", lambda i: f"{i:04d},{i}"), numeric="a")
    np.testing.assert_array_equal(dataset.train.x, dataset.train.y)
    assert schema.columns[0].form.name == "padded"


def test_a_target_with_a_unit_is_a_number(tmp_path):
    dataset, schema = table(tmp_path, lines("a,y", lambda i: f'{i},"$45{i % 10},000"'))
    np.testing.assert_array_equal(dataset.train.y[:, 0], 450_000 + 1000 * (dataset.train.x[:, 0] % 10))
    evaluated, _ = read_table(_written(tmp_path, 'a,y\n1,"$1,000"\n2,7\n'), TableSettings(), schema, whole=True)
    assert evaluated.test.y[:, 0].tolist() == [1000, 7]


def test_letters_of_both_cases_are_one_category_and_that_is_said(tmp_path):
    dataset, schema = table(tmp_path, lines("a,y", lambda i: f"{['Red', 'red', ' RED ', 'New  York'][i % 4]},{i}"))
    assert schema.columns[0].categories == ("New  York", "Red")
    assert "`red` is taken for `Red`, and 1 more" in dataset.notes[0]
    other = _written(tmp_path, "a,y\nrEd,1\nnew york,2\ngreen,3\n")
    again, _ = read_table(other, TableSettings(), schema, whole=True)
    assert again.test.x.tolist() == [[0, 1], [1, 0], [0, 0]]
    assert "`green`" in again.notes[0]


@pytest.mark.parametrize("name", ["house_id", "Unnamed: 0"])  # the second is what pandas makes of a saved index
def test_a_column_that_counts_the_rows_is_said(tmp_path, name):
    dataset, _ = table(tmp_path, lines(f"{name},y", lambda i: f"{i + 1},{i * i}"))
    assert f"`{name}` counts the rows" in dataset.notes[0]
    silent, _ = table(tmp_path, lines("x,y", lambda i: f"{i + 1},{i * i}"))
    assert silent.notes == ()


def test_what_was_made_of_each_column_is_said(tmp_path):
    said = []
    path = tmp_path / "t.csv"
    path.write_text(lines("n,when,colour,y", lambda i: f"{i},2024-01-{i + 1:02d},{'red' if i % 2 else 'blue'},{i} kg"))
    read_table(path, TableSettings(), say=said.append)
    (line,) = said
    assert line == (
        "Columns of t.csv: `n`: numbers; `when`: dates, as days since 1970-01-01; `colour`: 2 categories. To predict: "
        "`y`, numbers, without `kg`."
    )


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
        (lines("a,y", lambda i: f"t{i % 60},{i}", 200), {}, ["`a`", "more than 50 different texts", "max_categories"]),
        (lines("a b,y", lambda i: f"t{i},{i}"), {}, ["names rows", "20 different texts", "-o 'data.exclude=a b'"]),
        (lines("a,y", lambda i: f"{i:04d},{i}"), {}, ["names rows", "`0000` in line 2", "data.numeric=a"]),
        (lines("a,y", lambda i: f"x{i},{i}"), {"numeric": "a"}, ["texts, and data.numeric names it"]),
        (lines("a,y", lambda i: f"{i} {'kg' if i % 4 else 'g'},{i}"), {}, ["different units", "line 3: `1 kg`"]),
        (lines("a,y", lambda i: f"{i}{'%' if i % 4 else ''},{i}"), {}, ["different units", "`0` in line 2"]),
        (lines("a,y", lambda i: f"{'soon' if i == 5 else f'2024-01-{i + 1:02d}'},{i}"), {}, ["19 dates", "7: `soon`"]),
        (lines("a,y", lambda i: f"{i + 1}/{i + 1}/2024,{i}", 9), {}, ["day and month cannot be told", "2024-12-31"]),
        (lines("a,y", lambda i: f"2024-01-0{i + 1}T10:00{'Z' if i else ''},{i}", 5), {}, ["offset from UTC"]),
        (lines("a;y", lambda i: f"{'1.234,5' if i else '1 234,5'};{i}"), {}, ["thousands", "different ways"]),
        (lines("a,y", lambda i: f"{i},{'1 kg' if i else '2 g'}"), {}, ["target `y`", "different units"]),
        (lines("a,y", lambda i: f"{i},2024-01-0{i + 1}", 5), {}, ["target `y`", "`2024-01-01` in line 2"]),
        (lines("a,y", lambda i: f"{i},0{i}{i}", 5), {}, ["target `y`", "`000` in line 2", "zeros before"]),
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
        ({"numeric": ["z"]}, ["data.numeric", "`z`"]),
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


@pytest.mark.parametrize("cell", ["two\n\nlines", "x" * 100_000])
def test_a_cell_stands_in_a_message_in_one_line_and_in_short(tmp_path, cell):
    """What a quote that is not closed takes for one cell may be the rest of the file."""
    with pytest.raises(DataError) as caught:
        table(tmp_path, lines("a,y", lambda i: f'"{cell}",{i}' if i == 7 else f"{i},{i}"))
    assert "`two lines`" in str(caught.value) or f"`{'x' * 100}...`" in str(caught.value)
    assert "\n" not in str(caught.value)
