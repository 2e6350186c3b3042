"""What a likelihood makes of a decoder's output: the mean itself, or through a sigmoid."""

from __future__ import annotations

import torch

from nelbo.likelihoods import Likelihood


def takes_mean(likelihood: Likelihood) -> bool:
    """Return whether a likelihood is fed with the mean itself."""
    quarter = torch.tensor([0.25])
    return bool(torch.isclose(likelihood.output_at(quarter).flatten()[0], quarter[0]))


def squashes(likelihood: Likelihood) -> bool:
    """Return whether the means of a likelihood lie in [0, 1], whatever the decoder gives."""
    domain = likelihood.domain
    if (getattr(domain, "lower_bound", None), getattr(domain, "upper_bound", None)) == (0.0, 1.0):
        return True
    quarter = torch.tensor([0.25])
    try:
        output = likelihood.output_at(quarter).flatten()
    except (RuntimeError, ValueError):  # of a whole table
        return False
    return len(output) == 1 and bool(torch.isclose(output[0], torch.logit(quarter)[0]))
