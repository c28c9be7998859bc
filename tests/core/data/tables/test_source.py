"""Tables as sources of predictions."""

import numpy as np
import pytest

from kzoo.data.frames import Failure, Part
from kzoo.data.tables import Column, TableSchema, open_tables
from kzoo.errors import DataError, UsageError

SCHEMA = TableSchema("y", (Column("a", fill=5.0), Column("c", ("blue", "red"))))


def opened(path, text, **part):
    path.write_text(text)
    (source,) = open_tables(str(path), Part(**part), SCHEMA)
    return source


def test_rows_come_in_order_with_their_columns_found_by_name(tmp_path):
    path = tmp_path / "t.csv"
    source = opened(path, "c,y,a\nred,,1\nblue,,2\n")
    first, second = source
    assert (source.kind, first.index, first.columns()) == ("table", 0, {"table": str(path), "row": 1})
    assert SCHEMA.encode(np.stack([first.values, second.values])).tolist() == [[1, 0, 1], [2, 1, 0]]
    assert source.notes == []


def test_bad_rows_are_told_and_the_rest_go_on(tmp_path):
    path = tmp_path / "t.csv"
    source = opened(path, "a,c\none,red\n2\n3,red\n")
    first, second, third = source
    assert isinstance(first, Failure)
    assert first.error == f"{path}, line 2: column `a` holds `one`, which is no finite number."
    assert second.error == f"{path}, line 3: has 1 cells where the header has 2 (separated by commas)."
    assert second.columns() == {"table": str(path), "row": 2}
    assert third.values.tolist() == [3, 1]


def test_unknown_texts_and_gaps_are_said_at_the_end(tmp_path):
    source = opened(tmp_path / "t.csv", "a,c\n,green\n1,\n")
    found = SCHEMA.encode(np.stack([row.values for row in source]))
    assert found.tolist() == [[5, 0, 0], [1, 0, 0]]
    assert len(source.notes) == 2
    assert "`green`" in source.notes[0]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a;c\n950;red\n1,500;red\n", [950, None]),
        ("a;c\n950;red\n1.500;red\n", [950, None]),
        ("a;c\n1.5;red\n1.500;red\n", [1.5, 1.5]),
        ("a;c\n1,5;red\n1.500;red\n", [1.5, None]),
        ("a;c\n1,5;red\n1,500;red\n", [1.5, 1.5]),
    ],
)
def test_a_number_is_read_by_the_decimal_sign_that_its_table_shows_or_not_at_all(tmp_path, text, expected):
    rows = list(opened(tmp_path / "t.csv", text))
    assert [None if isinstance(row, Failure) else row.values[0] for row in rows] == expected


def test_a_table_with_both_decimal_signs_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"`1,5` with a decimal comma in line 2 and `1.25` with a point in line 3"):
        list(opened(tmp_path / "t.csv", "a;c\n1,5;red\n1.25;red\n"))


def test_a_part_of_a_table(tmp_path):
    text = "a,c\n" + "".join(f"{i},red\n" for i in range(10))
    source = opened(tmp_path / "t.csv", text, every=3, max_frames=3)
    assert [row.index for row in source] == [0, 3, 6]
    with pytest.raises(UsageError, match="no times"):
        opened(tmp_path / "t.csv", text, start=1.0)


def test_a_folder_gives_its_tables(tmp_path):
    for name in ("b.csv", "a.tsv", "notes.md"):
        (tmp_path / name).write_text("a,c\n1,red\n")
    assert [source.file.path.name for source in open_tables(str(tmp_path), Part(), SCHEMA)] == ["a.tsv", "b.csv"]
    with pytest.raises(DataError, match="cannot be found"):
        open_tables(str(tmp_path / "no.csv"), Part(), SCHEMA)


def test_a_missing_column_is_named_before_anything_is_read(tmp_path):
    with pytest.raises(DataError, match="lacks `c`"):
        opened(tmp_path / "t.csv", "a\n1\n")
