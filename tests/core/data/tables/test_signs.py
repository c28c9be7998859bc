"""What separates decimals and what thousands: one rule for a file, told from all its columns."""

import numpy as np
import pytest

from kzoo.data.tables import TableSchema, TableSettings, read_table
from kzoo.errors import DataError, UsageError
from kzoo.settings import read_settings


def read(tmp_path, header, row, schema=None, count=60, **settings):
    path = tmp_path / "t.csv"
    path.write_text("\n".join([header, *(row(i) for i in range(count))]), encoding="utf-8")
    return read_table(path, read_settings(TableSettings, settings, prefix="data."), schema)


def inputs(dataset, column=-1):
    """All values of a column, in the order of a target that counts the rows."""
    x = np.concatenate([dataset.train.x, dataset.test.x])
    y = np.concatenate([dataset.train.y, dataset.test.y])
    return x[np.argsort(y[:, 0]), column]


def us(number):
    return f"{number:,}"


def german(number):
    return us(number).translate(str.maketrans(",.", ".,"))


COUNTED = [970 + i for i in range(60)]


@pytest.mark.parametrize(
    ("header", "row"),
    [
        ("a|b|y", lambda i: f"${COUNTED[i]:,.2f}|{us(COUNTED[i])}|{i}"),
        ("a\tb\ty", lambda i: f"{i}.5\t{us(COUNTED[i])}\t{i}"),
        ("a\tb\ty", lambda i: f"{us(10**6 + i)}\t{us(COUNTED[i])}\t{i}"),
        ("a;b;y", lambda i: f"{german(COUNTED[i] + 0.5)} \u20ac;{german(COUNTED[i])};{i}"),
        ("a;b;y", lambda i: f"{i},5;{german(COUNTED[i])};{i}"),
        ("a;b;y", lambda i: f"{i},5;{german(COUNTED[i])} kg;{i}"),
        ("a,b,y", lambda i: f'{i}.5,"{us(COUNTED[i])}",{i}'),
        ("a,b,y", lambda i: f'"{german(1500.5 + i)}",{german(COUNTED[i])},{i}'),
    ],
)
def test_another_column_shows_what_the_sign_separates(tmp_path, header, row):
    dataset, schema = read(tmp_path, header, row)
    assert inputs(dataset).tolist() == COUNTED
    again, _ = read(tmp_path, header, row, TableSchema.from_dict(schema.to_dict()))
    assert inputs(again).tolist() == COUNTED


@pytest.mark.parametrize("separator", [";", "\t", "|", ","])
@pytest.mark.parametrize("write", [us, german])
@pytest.mark.parametrize("unit", ["", " kg"])
def test_without_that_it_is_refused_until_somebody_says_it(tmp_path, separator, write, unit):
    def row(i):
        return f'"{write(COUNTED[i])}{unit}"{separator}{i}'

    header, decimal, thousands = f"a{separator}y", *(".," if write is us else ",.")
    if (separator, write) == (",", german):  # where commas separate columns, a point is the decimal sign
        dataset, _ = read(tmp_path, header, row)
        assert inputs(dataset)[30] == 1.0
        return
    with pytest.raises(DataError, match=r"the first in line 32: `1[.,]000.*-o data\.decimal=\."):
        read(tmp_path, header, row)
    dataset, schema = read(tmp_path, header, row, decimal=decimal)
    assert inputs(dataset).tolist() == COUNTED
    again, _ = read(tmp_path, header, row, schema)
    assert inputs(again).tolist() == COUNTED
    if separator != ",":
        other, schema = read(tmp_path, header, row, decimal=thousands)
        assert inputs(other)[29:31].tolist() == [999, 1]
        again, _ = read(tmp_path, header, row, schema)
        assert inputs(again)[29:31].tolist() == [999, 1]


PRICES = [1.009 + i / 10 for i in range(60)]


@pytest.mark.long_but_first(2)
@pytest.mark.parametrize("separator", [",", "\t", ";", "|"])
@pytest.mark.parametrize("write", ["${}", "{} \u20ac", "USD {}"])
def test_a_price_with_three_decimals_is_no_thousand(tmp_path, separator, write):
    """A gallon costs $3.459; $3.45, or what stands in another column, tells that the point separates decimals."""

    def row(i):
        price = f"{PRICES[i]:.3f}" if i < len(PRICES) else "2.50"
        return f"{write.format(price)}{separator}{i}"

    header = f"a{separator}y"
    with pytest.raises(
        DataError, match=r"thousands or decimals, the first in line 2: `.*1\.009.*Say.*data\.decimal=\."
    ):
        read(tmp_path, header, row)
    for given in ({"decimal": "."}, {"count": 61}):
        dataset, _ = read(tmp_path, header, row, **given)
        assert inputs(dataset)[:60] == pytest.approx(PRICES)
    dataset, _ = read(tmp_path, f"b{separator}{header}", lambda i: f"{i}.5{separator}{row(i)}")
    assert inputs(dataset) == pytest.approx(PRICES)
    if separator != ",":
        dataset, _ = read(tmp_path, header, row, decimal=",")
        assert inputs(dataset) == pytest.approx(1000 * np.array(PRICES))


@pytest.mark.long_but_first
@pytest.mark.parametrize("separator", ["\t", "|"])
def test_a_comma_beside_tabs_or_bars_says_nothing(tmp_path, separator):
    """All are like 1,234, which is a thousand or little more than one; semicolons stand where commas are decimals."""
    cells = [us(1234 + 7 * i) for i in range(60)]

    def row(i):
        return f"{cells[i]}{separator}{i}"

    header = f"a{separator}y"
    with pytest.raises(
        DataError, match=r"thousands or decimals, the first in line 2: `1,234.*Or say.*data\.decimal=\."
    ):
        read(tmp_path, header, row)
    whole = [1234 + 7 * i for i in range(60)]
    assert inputs(read(tmp_path, header, row, decimal=".")[0]).tolist() == whole
    assert inputs(read(tmp_path, header, row, decimal=",")[0]) == pytest.approx(np.array(whole) / 1000)
    dataset, _ = read(tmp_path, f"b{separator}{header}", lambda i: f"{i}.5{separator}{row(i)}")
    assert inputs(dataset).tolist() == whole
    dataset, _ = read(tmp_path, "a;y", lambda i: f"{cells[i]};{i}")
    assert inputs(dataset) == pytest.approx(np.array(whole) / 1000)


def test_a_target_is_read_by_the_same_rule(tmp_path):
    dataset, schema = read(tmp_path, "a;b;y", lambda i: f"{i},5;{i};{german(COUNTED[i])}")
    assert sorted(np.concatenate([dataset.train.y, dataset.test.y])[:, 0]) == COUNTED
    assert schema.target_form.grouping == "."
    with pytest.raises(DataError, match=r"target `y` .*thousands or decimals, the first in line 32: `1\.000`"):
        read(tmp_path, "a;y", lambda i: f"{i};{german(COUNTED[i])}")


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        (lambda i: f"{i}.125", lambda i: i + 0.125),  # 0.125 shows it
        (lambda i: f"{i + 1}.125", lambda i: i + 1.125),  # nothing up to 999 beside them
        (lambda i: ["1250", "7", "1.250"][i % 3], lambda i: [1250, 7, 1.25][i % 3]),  # 1250 has no sign
    ],
)
def test_what_is_no_thousand_stays_a_decimal(tmp_path, cell, expected):
    dataset, _ = read(tmp_path, "a\ty", lambda i: f"{cell(i)}\t{i}")
    assert inputs(dataset).tolist() == [expected(i) for i in range(60)]


def test_categories_show_nothing(tmp_path):
    def row(i):
        return f"{i % 2},5;{i}.5;{i}"

    with pytest.raises(DataError, match=r"`0,5` with a decimal comma in line 2 and `0\.5` with a point in line 2"):
        read(tmp_path, "c;a;y", row)
    dataset, _ = read(tmp_path, "c;a;y", row, categorical=["c"])
    assert inputs(dataset)[3] == 3.5
    dataset, _ = read(tmp_path, "c;a;y", lambda i: f"{['red', 'blue', '0,5'][i % 3]};{i}.5;{i}")
    assert inputs(dataset)[3] == 3.5


def test_what_is_said_against_the_file_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"`0,5` in line 2, in which `\.` does not separate decimals"):
        read(tmp_path, "a;y", lambda i: f"{i},5;{i}", decimal=".")
    with pytest.raises(UsageError, match="separates the columns"):
        read(tmp_path, "a,y", lambda i: f"{i},{i}", decimal=",")


def test_a_sign_that_means_the_other_thing_than_in_training_is_refused(tmp_path):
    _, schema = read(tmp_path, "a;y", lambda i: f"{us(10**6 + i)};{i}")
    with pytest.raises(DataError, match=r"`1,234`, which has a `,`, the decimal sign of this file"):
        read(tmp_path, "a;y", lambda i: f"1,234;{i},5", schema)
