"""Its values are tested in test_aggregate.py, with those of its discrepancy."""

from nelbo.objectives import InfoVAE
from nelbo.testing import check_objective


def test_it_keeps_the_laws():
    check_objective(InfoVAE())
    check_objective(InfoVAE(alpha=1.0, weight=2.0, kernel="imq"))
