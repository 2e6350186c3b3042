"""The reconstruction alone."""

from tests.references.rows import ObjectiveRow

ROWS = {"reconstruction": ObjectiveRow(lambda at: at.log_px.mean(0))}
