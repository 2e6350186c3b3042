"""The ELBO, by its formula."""

from tests.references.rows import ObjectiveRow

ROWS = {
    "elbo": ObjectiveRow(lambda at: at.elbo),
    "elbo:beta=4": ObjectiveRow(lambda at: at.log_px.mean(0) - 4 * at.kl.sum(-1)),
    "elbo:beta=linear(steps=10)": ObjectiveRow(
        lambda at: at.log_px.mean(0) - 0.3 * at.kl.sum(-1), step=3
    ),
}
