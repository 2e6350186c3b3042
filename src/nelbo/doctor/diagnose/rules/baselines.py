"""Is the reconstruction better than no model, and than a linear one?"""

from __future__ import annotations

from collections.abc import Iterator

from nelbo.doctor.diagnose.case import Case
from nelbo.doctor.finding import Finding

# Of the variance, by which an output may miss the mean of the data: finite training leaves 1%.
WORSE = -0.05


def baselines(case: Case) -> Iterator[Finding]:
    """Find reconstructions worse than the mean example, or than one principal component."""
    error, constant = case.value("squared_error"), case.value("total_variance")
    if case.explained or case.collapsed:
        return
    if case.value("output_dependence") < WORSE:
        yield Finding(
            "worse_than_constant",
            "warning",
            "The reconstructions are farther from the data than its mean is.",
            {"squared error per example": error, "of the mean": constant},
            "Check that decode returns the units of the data, and say output='logits' if a sigmoid "
            "is still to come.",
        )
        return
    # the KL has its price, so that PCA with as many dimensions often has the smaller error
    alone = case.measures["pca_error"].parts[0]
    if error > alone:
        yield Finding(
            "worse_than_pca",
            "info",
            "A single principal component has a smaller squared error than these reconstructions.",
            {
                "squared error per example": error,
                "of PCA with one dimension": alone,
                f"of PCA with {case.latent}": case.value("pca_error"),
            },
            "Train for more epochs, or use a wider network.",
        )
