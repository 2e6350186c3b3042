"""M2 of a pass without classes: the ELBO. With classes: tests/objectives/test_m2.py."""

from tests.references.rows import ObjectiveRow

ROWS = {"m2:alpha=3.0,hidden=(8,),lr=0.01": ObjectiveRow(lambda at: at.elbo)}
