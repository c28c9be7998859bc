"""The quick battery and the long one: what `long_but_first` leaves to which, and which test comes first."""

from pathlib import Path

import conftest
import pytest


class Item:
    """A collected test, as far as the hook looks at it."""

    def __init__(self, nodeid, mark=None):
        self.nodeid, self.path, self.mark = nodeid, Path(nodeid.partition("::")[0]), mark
        self.added = []

    def get_closest_marker(self, name):
        return self.mark.mark if self.mark and self.mark.name == name else None

    def add_marker(self, name):
        self.added.append(name)


@pytest.mark.parametrize(("mark", "quick"), [(pytest.mark.long_but_first, 1), (pytest.mark.long_but_first(2), 2)])
def test_the_first_parameters_of_each_test_are_quick(mark, quick):
    items = [Item(f"test_a.py::{test}[{at}]", mark) for test in ("test_one", "test_two") for at in range(3)]
    conftest.pytest_collection_modifyitems(items)
    assert [item.added for item in items] == [[] if at < quick else ["long"] for _ in range(2) for at in range(3)]


def test_other_tests_stay_as_they_are():
    items = [Item("test_a.py::test[0]"), Item("test_a.py::test[1]", pytest.mark.long)]
    conftest.pytest_collection_modifyitems(items)
    assert [item.added for item in items] == [[], []]


def test_the_third_partys_way_begins_and_the_order_is_kept():
    names = ["test_b.py::test", "test_a.py::test", "test_third_party.py::test"]
    items = [Item(name) for name in names]
    conftest.pytest_collection_modifyitems(items)
    assert [item.nodeid for item in items] == [names[2], *names[:2]]
