"""The inputs that a model sees of a table, beside those that scikit-learn makes of it."""

import json

import numpy as np
import pytest
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import OneHotEncoder

from kzoo.data.tables import Column, TableSchema, TableSettings, read_table
from kzoo.data.tables.cells import Numbers
from kzoo.data.tables.schema import RowReader
from kzoo.errors import DataError

SCHEMA = TableSchema(
    "y",
    (
        Column("colour", ("blue", "red"), indicator=True),
        Column("size", fill=2.5, indicator=True),
        Column("shape", ("round", "square")),
        Column("weight", fill=7.0),
    ),
)


def rows(count=200):
    generator = np.random.default_rng(0)
    numbers = generator.normal(size=(count, 2)).round(3).astype(object)
    numbers[generator.random(count) < 0.2, 0] = None
    colours = generator.choice(["red", "green", "blue"], count).astype(object)
    target = generator.permutation(count)  # each once, so that test rows can be told
    return [[a, colour, b, y] for (a, b), colour, y in zip(numbers, colours, target, strict=True)]


def test_the_inputs_are_those_of_scikit_learn(tmp_path):
    table = rows()
    path = tmp_path / "t.csv"
    lines = [",".join("" if cell is None else str(cell) for cell in row) for row in table]
    path.write_text("\n".join(["a,colour,b,y", *lines]))
    dataset, schema = read_table(path, TableSettings())
    assert schema.features == ["a", "a is missing", "colour=blue", "colour=green", "colour=red", "b"]
    matrix = np.array(table, dtype=object)
    numbers, colours = matrix[:, [0, 2]].astype(float), matrix[:, 1:2]
    targets = matrix[:, 3].astype(np.float32)
    kept = np.isin(targets, dataset.test.y.reshape(-1))
    assert kept.sum() == len(dataset.test) == 40
    imputer = SimpleImputer(strategy="median", add_indicator=True).fit(numbers[~kept, :1])
    encoder = OneHotEncoder(sparse_output=False).fit(colours[~kept])
    expected = np.hstack([imputer.transform(numbers[:, :1]), encoder.transform(colours), numbers[:, 1:]])
    np.testing.assert_array_equal(dataset.train.x, expected[~kept])
    np.testing.assert_array_equal(dataset.test.x, expected[kept])
    np.testing.assert_array_equal(dataset.train.y[:, 0], targets[~kept])


def test_missing_and_unknown_cells():
    reader = RowReader(SCHEMA.columns, range(4), Numbers(","))
    values = [
        reader.read(2, ["red", "1", "square", "3"]),
        reader.read(3, ["", "NA", "", "?"]),
        reader.read(4, ["green", "4", "oval", "5"]),
        reader.read(5, ["green", "4", "round", "6"]),
    ]
    assert SCHEMA.encode(np.array(values)).tolist() == [
        [0, 1, 0, 1, 0, 0, 1, 3],
        [0, 0, 1, 2.5, 1, 0, 0, 7],
        [0, 0, 0, 4, 0, 0, 0, 5],
        [0, 0, 0, 4, 0, 1, 0, 6],
    ]
    said = " ".join(reader.notes())
    assert "`colour`: 2 times a text that training never saw, first `green` in line 4" in said
    assert "`weight`: 1 missing number, first in line 3" in said
    assert "`size`" not in said


def test_it_survives_json():
    assert TableSchema.from_dict(json.loads(json.dumps(SCHEMA.to_dict()))) == SCHEMA


def test_columns_are_found_by_name(tmp_path):
    header = ("weight", "y", "extra", "shape", "size", "colour")
    assert SCHEMA.places(header, tmp_path) == [5, 4, 3, 0]
    assert SCHEMA.places(header, tmp_path, target=True)[-1] == 1
    with pytest.raises(DataError, match=r"lacks `size`, `weight`.*Its columns: `colour`, `shape`"):
        SCHEMA.places(("colour", "shape"), tmp_path)
