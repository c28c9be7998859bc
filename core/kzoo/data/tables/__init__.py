"""Tables in text files: read with their separators and signs, turned into numbers by a schema that a model keeps."""

from kzoo.data.csv_file import CsvFile
from kzoo.data.tables.loading import read_table
from kzoo.data.tables.options import TableSettings
from kzoo.data.tables.schema import Column, TableSchema
from kzoo.data.tables.source import Row, TableSource, open_tables

__all__ = ["Column", "CsvFile", "Row", "TableSchema", "TableSettings", "TableSource", "open_tables", "read_table"]
