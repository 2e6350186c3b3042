"""One independent row a component: scipy, mpmath and quadrature in float64, never nelbo itself.

Each file in a folder here has `ROWS`, keyed by a component's text. A registered component without a
row, and an argument that no row sets, fail `test_conformance.py`.
"""

from importlib import import_module
from pkgutil import iter_modules

AXES = {
    "likelihood": "likelihoods",
    "posterior": "posteriors",
    "prior": "priors",
    "objective": "objectives",
    "schedule": "schedules",
    "network": "networks",
}


def _rows(folder):
    package = import_module(f"{__name__}.{folder}")
    found = {}
    for module in iter_modules(package.__path__):
        found |= import_module(f"{package.__name__}.{module.name}").ROWS
    return found


ROWS = {axis: _rows(folder) for axis, folder in AXES.items()}
LIKELIHOODS, POSTERIORS = ROWS["likelihood"], ROWS["posterior"]
PRIORS, OBJECTIVES = ROWS["prior"], ROWS["objective"]
SCHEDULES, NETWORKS = ROWS["schedule"], ROWS["network"]
