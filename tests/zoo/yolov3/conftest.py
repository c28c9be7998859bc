"""Fixtures for the detector's tests."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def real_data():
    """Return the folder of real data named by KZOO_TEST_DATA."""
    named = os.environ.get("KZOO_TEST_DATA")
    if not named or not Path(named).is_dir():
        pytest.skip("needs real data: set KZOO_TEST_DATA to its folder")
    return Path(named)
