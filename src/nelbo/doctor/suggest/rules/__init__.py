"""One rule a kind of data; the first that applies has the word."""

from nelbo.doctor.suggest.rules import binary, counts, grey, mixed, real, shares
from nelbo.doctor.suggest.rules.base import Proposal, Rule

RULES: tuple[Rule, ...] = (
    binary.RULE,
    grey.RULE,
    mixed.RULE,
    counts.RULE,
    shares.RULE,
    real.RULE,
)

__all__ = ["RULES", "Proposal", "Rule"]
