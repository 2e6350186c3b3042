"""Conformance checkers, for nelbo's own components and for other people's."""

from nelbo.testing.laws import ConformanceError
from nelbo.testing.likelihood import check_likelihood
from nelbo.testing.objective import check_objective
from nelbo.testing.posterior import check_posterior
from nelbo.testing.prior import check_prior

__all__ = [
    "ConformanceError",
    "check_likelihood",
    "check_objective",
    "check_posterior",
    "check_prior",
]
