"""House rules that no linter knows: components stand on their own, files stay short."""

import ast
import re
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
# or what the command line does by default: as a whole string they stand in so many files, and in no
# more; within a sentence they may stand anywhere.
WORDS = {
    "bernoulli": 6, "beta": 12, "capacity": 3, "categorical": 4, "columns": 6, "constant": 3,
    "continuous_bernoulli": 5, "diagonal": 3, "elbo": 8, "gaussian": 6, "linear": 3, "mixture": 3,
    "mlp": 4, "raw": 4, "reconstruction": 8, "scale": 10, "standard": 3,
}  # fmt: skip


def words(path):
    """Return the strings of a file that are no docstrings."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    prose = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    constants = [node for node in ast.walk(tree) if isinstance(node, ast.Constant)]
    return {n.value for n in constants if id(n) not in prose and isinstance(n.value, str)}


@pytest.fixture(scope="module", name="named")
def _named():
    """The files that name a component: as a whole string, or as a word of any string."""
    whole = {str(path.relative_to(ROOT)): words(path) for path in SOURCE}
    parts = {path: set(re.findall(r"\w+", " ".join(said))) for path, said in whole.items()}
    return {
        name: [path for path, said in (whole if name in WORDS else parts).items() if name in said]
        for name in COMPONENTS
    }


@pytest.mark.parametrize("name", COMPONENTS)
def test_a_component_is_named_in_at_most_three_files(name, named):
    assert len(named[name]) <= WORDS.get(name, FILES), named[name]


def test_no_two_components_share_a_name():
    assert len(set(COMPONENTS)) == len(COMPONENTS)


@pytest.mark.parametrize("folder", ["src", "tests", "benchmarks", "docs"])
def test_no_file_is_longer_than_300_lines(folder):
    paths = {str(p.relative_to(ROOT)): p for p in sorted((ROOT / folder).rglob("*.py"))}
    lines = {name: len(p.read_text(encoding="utf-8").splitlines()) for name, p in paths.items()}
    assert {name: n for name, n in lines.items() if n > LINES} == {}
