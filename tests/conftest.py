"""Fixtures of all tests; shape checking itself is switched on in the conftest.py above."""

import hypothesis
import jaxtyping
import pytest

# The same examples every time, and no clock: a busy machine fails no test.
hypothesis.settings.register_profile("nelbo", deadline=None, derandomize=True)
hypothesis.settings.load_profile("nelbo")


@pytest.fixture
def unchecked():
    """Switch shape checking off, to see nelbo's own errors for wrong types, as users do."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


@pytest.fixture(name="snapshot")
def _snapshot():
    """Return a function that gives every file below a folder with its bytes."""

    def snapshot(folder):
        return {
            str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
            for path in sorted(folder.rglob("*"))
        }

    return snapshot
