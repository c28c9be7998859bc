"""Tables as people save them: with a byte order mark, semicolons, quotes, and what is no table."""

import csv

import pytest

from kzoo.data.tables import CsvFile
from kzoo.errors import DataError

ROWS = [["a", "b, c", "y"], ["1", 'two "2"', "3"], ["4", "five\nlines", "6"], ["7", "", "9"]]


def write(path, separator=",", encoding="utf-8", rows=ROWS):
    with path.open("w", encoding=encoding, newline="") as file:
        csv.writer(file, delimiter=separator).writerows(rows)
    return path


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_encoding_separator_and_quotes_are_understood(tmp_path, separator, encoding):
    file = CsvFile.open(write(tmp_path / "t.csv", separator, encoding))
    assert file.separator == separator
    assert list(file.header) == ROWS[0]
    assert [cells for _, cells in file.rows()] == ROWS[1:]
    assert [line for line, _ in file.rows()] == [2, 3, 5]  # a cell of two lines


def test_decimal_commas_do_not_make_a_file_one_of_commas(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("x;y;z\n1,5;2,5;3,5\n1,0;2,0;3,0\n")
    assert CsvFile.open(path).separator == ";"


def test_blank_lines_are_no_rows_and_lines_of_separators_are(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("a,y\r\n\r\n1,2\r\n,\r\n\r\n")
    assert list(CsvFile.open(path).rows()) == [(3, ["1", "2"]), (4, ["", ""])]


def test_a_row_of_another_length_does_not_hide_the_separator(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("a;b;y\n1;2;3\n1;2\n")
    file = CsvFile.open(path)
    assert file.header == ("a", "b", "y")
    assert file.fault(["1", "2"]) == "has 2 cells where the header has 3 (separated by semicolons)"
    assert file.fault(["1", "2", "3"]) == ""


def test_the_separator_is_told_from_the_beginning_of_a_large_file(tmp_path):
    path = tmp_path / "t.csv"
    wide = ";".join(f"c{i}" for i in range(2000))
    path.write_text("\n".join([wide] + [";".join(["1,25"] * 2000)] * 40))
    assert len(CsvFile.open(path).header) == 2000


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", ["is empty"]),
        (b"\n\n", ["is empty"]),
        (b"1,2\n3,4\n", ["holds numbers only (1, 2)", "name the columns"]),
        (b"a,b,a\n1,2,3\n", ["names `a` 2 times (columns 1, 3)"]),
        (b"a,,b\n1,2,3\n", ["Column 2", "has no name"]),
        ("gr\u00f6\u00dfe,y\n1,2\n".encode("latin-1"), ["not text in UTF-8"]),
        (b"\x89PNG\r\n\x1a\n\xff", ["not text in UTF-8"]),
        (b"PK\x03\x04...", ["spreadsheet"]),
    ],
)
def test_what_is_no_table_is_refused(tmp_path, content, words):
    path = tmp_path / "t.csv"
    path.write_bytes(content)
    with pytest.raises(DataError) as caught:
        CsvFile.open(path)
    assert str(path) in str(caught.value)
    for word in words:
        assert word in str(caught.value)


def test_damage_behind_the_beginning_is_found_while_reading(tmp_path):
    path = tmp_path / "t.csv"
    path.write_bytes(b"a,y\n" + b"1,2\n" * 50_000 + b"\xff,2\n")
    with pytest.raises(DataError, match="not text in UTF-8"):
        list(CsvFile.open(path).rows())
    path.write_text('a,y\n1,2\n"never closed' + "1,2\n" * 50_000)
    with pytest.raises(DataError, match=r"field larger than field limit.*quote"):
        list(CsvFile.open(path).rows())


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(DataError, match="No such file"):
        CsvFile.open(tmp_path / "t.csv")
