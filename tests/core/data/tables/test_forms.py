"""Amounts: the sign before a number and the word behind it are one unit, in training and after it."""

import numpy as np
import pytest

from kzoo.data.tables import TableSchema, TableSettings, read_table
from kzoo.data.tables.cells import Numbers
from kzoo.data.tables.forms import Form
from kzoo.errors import DataError


def read(tmp_path, row, schema=None, header="a,y"):
    path = tmp_path / "t.csv"
    path.write_text("\n".join([header, *(row(i) for i in range(20))]), encoding="utf-8")
    return read_table(path, TableSettings(), schema)


UNITS = ["${}.5M", "$ {}M", "€{}.5K", "€{} million", "${} CAD", "USD {} per", "${} CR", "-${}K"]


@pytest.mark.parametrize("written", UNITS)
def test_one_unit_of_sign_and_word_is_kept_and_no_other_is_taken_for_it(tmp_path, written):
    dataset, schema = read(tmp_path, lambda i: f"{written.format(i)},{i}")
    expected = dataset.train.y[:, 0] * (-1 if written[0] == "-" else 1) + 0.5 * (".5" in written)
    np.testing.assert_array_equal(dataset.train.x[:, 0], expected)
    sign, word = written.strip("-").replace(".5", "").split("{}")
    unit = f"{sign.strip()} {word.strip()}"
    assert schema.columns[0].words == f"numbers, without `{unit}`"
    kept = TableSchema.from_dict(schema.to_dict())
    for other in (f"{sign}5", "5", f"{sign}5 k", f"5 {word.strip()}"):
        with pytest.raises(
            DataError, match=rf"Line 2 .*`{other.replace('$', '.')}`, which is .*`{unit.replace('$', '.')}`"
        ):
            read(tmp_path, lambda i, other=other: f"{other},{i}", kept)


@pytest.mark.parametrize(
    ("one", "other"),
    [("$1.5M", "$101K"), ("€110.5M", "€0"), ("€500K", "€1 million"), ("$1 CAD", "$1 USD"), ("$5 CR", "$5 DR"),
     ("$5", "$5M"), ("5", "$5M"), ("$5M", "$5m"), ("2k", "3M")],
)  # fmt: skip
@pytest.mark.parametrize("target", [False, True])
def test_different_units_are_refused_with_both_and_their_lines(tmp_path, one, other, target):
    def row(i):
        cell = other if i > 6 else one
        return f"{i},{cell}" if target else f"{cell},{i}"

    with pytest.raises(DataError) as caught:
        read(tmp_path, row)
    said = f"amounts of different units, `{one}` in line 2 and others, the first in line 9: `{other}`"
    assert said in str(caught.value)


def test_a_unit_that_training_did_not_see_is_refused_in_the_target_too(tmp_path):
    _, schema = read(tmp_path, lambda i: f"{i},${i}")
    with pytest.raises(DataError, match=r"`y` is `.5M`, which is of `. M` where the others are of `.`\."):
        read(tmp_path, lambda i: f"{i},$5M", schema)


@pytest.mark.parametrize(
    ("unit", "taken"), [("$", True), ("kg", True), ("m", True), ("M", False), ("k", False), ("K", False), ("Bn", False)]
)
def test_a_plain_number_is_taken_where_the_unit_does_not_say_how_much_it_counts(unit, taken):
    parse = Form("amount", unit).parser(Numbers(","))
    if taken:
        assert parse("5") == 5.0
        return
    with pytest.raises(ValueError, match=f"is no number of `{unit}`"):
        parse("5")


@pytest.mark.parametrize("text", ["1'500", "1\u2019500", "1 500", "1\u00a0500"])
def test_schemas_that_called_the_apostrophe_a_space_still_read_it(text):
    assert Form("amount", "", " ").parser(Numbers(","))(text) == 1500.0
