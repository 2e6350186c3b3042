"""Does the prior lead where the data is?"""

from __future__ import annotations

from collections.abc import Iterator

from nelbo.doctor.diagnose.case import Case
from nelbo.doctor.finding import Finding

# Nats by which the distribution of one latent over all data differs from the prior, at least: 2
# nats are a variance of 7.2 or of 0.007, or a mean of 2. At beta = 1 latents stay below 1.1 even
# in runs of 200 steps; of MNIST's at beta = 0.01 the farthest is at 4, at 0.001 at 7.
NATS = 2.0


def prior(case: Case) -> Iterator[Finding]:
    """Find latents whose distribution over the data is not the prior: samples then miss it."""
    parts = case.measures["aggregate_posterior_bound"].parts if _known(case) else ()
    far = [value for value in parts if value > NATS]
    if not far:
        return
    yield Finding(
        "prior_hole",
        "warning",
        f"{len(far)} of the {len(parts)} latents are spread over the data quite otherwise than the "
        "prior is: samples from the prior land where the decoder has never been.",
        {
            "KL of q(z) and the prior, nats, at least": sum(parts),
            "of the farthest latent": max(parts),
            "spread of the prior's samples, of the reconstructions'": case.value("prior_spread"),
            "distance of them to the nearest reconstruction, of its own": case.value(
                "prior_distance"
            ),
        },
        "Raise the weight of the KL towards 1, or sample from a density fitted to the latents.",
    )


def _known(case: Case) -> bool:
    return "aggregate_posterior_bound" in case.measures
