"""The doctor among patients: the true cause first, and silence where nothing is wrong."""

import importlib
from pathlib import Path

import pytest

import nelbo
from nelbo.data.fashion_mnist import DEBIAN, cache

FOLDER = Path(__file__).parent


def patients(kind):
    return [importlib.import_module(f"tests.gallery.{kind}.{n}") for n in _names(kind)]


def _names(kind):
    return sorted(path.stem for path in (FOLDER / kind).glob("*.py"))


def name(module):
    return module.__name__.rpartition(".")[2]


def findings(patient):
    """What the doctor says: during training, where a monitor was there to see it, then after."""
    return (*patient.said, *nelbo.diagnose(patient.model, patient.data).findings)


def serious(found):
    return [str(one) for one in found if one.severity != "info"]


BROKEN, HEALTHY = patients("broken"), patients("healthy")
CURED = [module for module in BROKEN if hasattr(module, "fixed")]


@pytest.mark.parametrize("module", BROKEN, ids=name)
def test_true_cause_is_the_first_finding(module):
    first = findings(module.patient())[0]
    assert (first.code, first.severity in ("error", "warning")) == (module.CAUSE, True), first
    assert first.fix


@pytest.mark.parametrize("module", HEALTHY, ids=name)
def test_silence_about_the_healthy(module):
    if name(module) == "fashion" and not any(folder.exists() for folder in (cache(), DEBIAN)):
        pytest.skip("Fashion-MNIST is not on this machine")
    assert serious(findings(module.patient())) == []


@pytest.mark.parametrize("module", CURED, ids=name)
def test_fix_makes_healthy(module):
    assert serious(findings(module.fixed())) == []


def test_gallery_is_large_enough():
    assert len(BROKEN) >= 18
    assert len(HEALTHY) >= len(BROKEN)


@pytest.mark.parametrize("module", BROKEN, ids=name)
def test_files_say_what_they_show(module):
    source = " ".join(Path(module.__file__).read_text().split())
    code = source.partition(" FIX = ")[2]
    assert "Source:" in module.__doc__
    assert module.SYMPTOM
    assert module.FIX
    # strings are formatted over several lines, if at all, so all white space counts as one
    assert " ".join(module.WRONG.split()) in code
