"""The ELBO, by its formula."""

from tests.references.rows import ObjectiveRow

ROWS = {
    "elbo": ObjectiveRow(lambda log_px, kl: log_px.mean(0) - kl),
    "elbo:beta=4": ObjectiveRow(lambda log_px, kl: log_px.mean(0) - 4 * kl),
    "elbo:beta=linear(steps=10)": ObjectiveRow(
        lambda log_px, kl: log_px.mean(0) - 0.3 * kl, step=3
    ),
}
