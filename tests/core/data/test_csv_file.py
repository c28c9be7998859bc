"""Tables as people save them: with a byte order mark, semicolons, quotes, and what is no table."""

import csv
import os

import pytest

from kzoo.data import csv_file as files
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


@pytest.mark.parametrize(("encoding", "sign"), [("utf-8", ";"), ("utf-16", "\t"), ("utf-8-sig", ",")])
def test_the_first_line_may_say_the_separator(tmp_path, encoding, sign):
    path = tmp_path / "t.csv"
    # By itself, a file of these rows would be one of bars: they are the more columns.
    path.write_text(f"sep={sign}\r\na|b|c{sign}y\r\n1|2|3{sign}4\r\n", encoding=encoding)
    file = CsvFile.open(path)
    assert (file.separator, file.header) == (sign, ("a|b|c", "y"))
    assert list(file.rows()) == [(3, ["1|2|3", "4"])]


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
        ("a,y\n1,2\n".encode("utf-16-le"), ["UTF-16 without a byte order mark"]),
        ("\u0446\u0432\u0435\u0442;y\n1;2\n".encode("utf-16-be"), ["UTF-16 without a byte order mark"]),
        (b"sep=;\r\n", ["nothing but the line that says its separator"]),
        (b"sep=:\r\na:b\r\n1:2\r\n", ["`:` separates its columns", "semicolons"]),
        (b",".join(b"c%d" % i for i in range(10_001)) + b"\n", ["10,001 columns", "the limit is 10,000"]),
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


@pytest.mark.parametrize(
    ("rows", "where"),
    [
        ('1,"x\n2,y\n3,"z\n4,w\n', "begins in line 3 of .*in line 5,"),  # two stray quotes, and rows between them
        ('1,"x\n2,y\n', "begins in line 3 of .*in line 4,"),
        ('1,"x\\"y\\""\n', "begins in line 3 of .*in line 3,"),
    ],
)
def test_a_stray_quote_is_refused_with_its_line_and_swallows_no_rows(tmp_path, rows, where):
    path = tmp_path / "t.csv"
    path.write_text("sep=,\na,y\n" + rows)
    with pytest.raises(DataError, match=where):
        list(CsvFile.open(path).rows())


def test_a_quote_inside_a_cell_is_text(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text('a,y\n5" x,1\n')
    assert list(CsvFile.open(path).rows()) == [(2, ['5" x', "1"])]


@pytest.mark.parametrize("row", ["1" * 10_000, "1," * 5_000, '"x\n",' * 3_000])
def test_a_row_without_an_end_is_refused_before_it_is_in_memory(tmp_path, monkeypatch, row):
    monkeypatch.setattr(files, "MAX_RECORD", 5_000)
    path = tmp_path / "t.csv"
    path.write_text(f"a,y\n1,2\n{row}\n3,4\n")
    with pytest.raises(DataError, match=r"line \d.* has more than 5,000 characters"):
        list(CsvFile.open(path).rows())
    read = []
    monkeypatch.setattr(files.csv, "reader", lambda lines, **_: read.extend(lines))
    with pytest.raises(DataError):
        list(files._records(path, "utf-8", ","))
    assert sum(map(len, read)) <= 5_001 + len("a,y\n1,2\n")


def test_the_limit_is_of_one_row_and_not_of_all(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "MAX_RECORD", 50)
    path = tmp_path / "t.csv"
    path.write_text("a,y\n" + '"one\ntwo",2\n' * 100)
    assert len(list(CsvFile.open(path).rows())) == 100


def test_a_pipe_is_refused_and_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "t.csv")
    with pytest.raises(DataError, match=r"t\.csv is a named pipe, not a file"):
        CsvFile.open(tmp_path / "t.csv")


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(DataError, match="No such file"):
        CsvFile.open(tmp_path / "t.csv")
