"""Distributions that torch does not have, for posteriors and priors to return: one space a file."""
