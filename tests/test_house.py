"""House rules that no linter knows: components stand on their own, files stay short."""

import ast
from pathlib import Path

import pytest

import nelbo  # noqa: F401 - fills the registry
from nelbo import registry

ROOT = Path(__file__).parent.parent
SOURCE = sorted((ROOT / "src/nelbo").rglob("*.py"))
AXES = ("network", "likelihood", "posterior", "prior", "objective", "schedule", "transform")
COMPONENTS = [name for axis in AXES for name in registry.names(axis)]
FILES, LINES = 3, 300
# These are words for something else too (an argument, a family of the audit, a column of a table),
# or what the command line does by default: they stand in so many files, and in no more.
WORDS = {
    "bernoulli": 6, "beta": 12, "categorical": 4, "continuous_bernoulli": 8, "elbo": 8,
    "free_bits": 4, "gaussian": 6, "mlp": 4, "raw": 4, "reconstruction": 8, "scale": 10,
}  # fmt: skip
# These are longer, and must not grow.
LONG = {
    "tests/data/test_parquet.py": 391,
    "tests/doctor/audit/loss_cases.py": 337,
    "tests/doctor/audit/loss_cases_more.py": 1681,
    "tests/doctor/audit/numpy_cases.py": 345,
    "tests/doctor/audit/test_audit.py": 382,
    "tests/doctor/audit/test_loss_cases_truth.py": 513,
    "tests/doctor/diagnose/test_diagnose.py": 493,
    "tests/doctor/forecast/test_forecast.py": 307,
    "tests/train/test_resume.py": 355,
}


def words(path):
    """Return the strings of a file that are no docstrings."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    prose = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    constants = [node for node in ast.walk(tree) if isinstance(node, ast.Constant)]
    return {node.value for node in constants if id(node) not in prose}


@pytest.fixture(scope="module", name="named")
def _named():
    found = {path: words(path) for path in SOURCE}
    return {
        name: sorted(str(p.relative_to(ROOT)) for p, said in found.items() if name in said)
        for name in COMPONENTS
    }


@pytest.mark.parametrize("name", COMPONENTS)
def test_a_component_is_named_in_at_most_three_files(name, named):
    assert len(named[name]) <= WORDS.get(name, FILES), named[name]


def test_no_two_components_share_a_name():
    assert len(set(COMPONENTS)) == len(COMPONENTS)


@pytest.mark.parametrize("folder", ["src", "tests"])
def test_no_file_is_longer_than_300_lines(folder):
    paths = {str(p.relative_to(ROOT)): p for p in sorted((ROOT / folder).rglob("*.py"))}
    lines = {name: len(p.read_text(encoding="utf-8").splitlines()) for name, p in paths.items()}
    assert {name: n for name, n in lines.items() if n > LONG.get(name, LINES)} == {}
