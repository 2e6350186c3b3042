"""`suggest`: a likelihood, a transform and a number of latents for data."""

from __future__ import annotations

from typing import Any

from nelbo.data import Examples
from nelbo.doctor.forecast import Forecast, forecast
from nelbo.doctor.suggest.evidence import Evidence, filled, look
from nelbo.doctor.suggest.reading import read
from nelbo.doctor.suggest.result import Reason, Suggestion
from nelbo.doctor.suggest.rules import RULES, Proposal
from nelbo.errors import NelboError
from nelbo.likelihoods import Gaussian

FEWEST, MOST = 2, 64  # latents


def suggest(data: Any) -> Suggestion:
    """Look at data and propose a likelihood, a transform and a number of latents, with reasons.

    What values are possible decides first (0 and 1, grey levels, counts, shares, positive, real),
    then which family fits the features one by one, by Schwarz's criterion (BIC); a plain family
    gives way only to clear evidence. The number of latents is that of the eigenvalues above 1 in
    the forecast, from 2 to 64: what a linear decoder would use. One pass over the data; the
    forecast is of the examples that were kept in memory.

    Source: Schwarz 1978, Estimating the dimension of a model; for the latents Lucas et al. 2019,
    Don't blame the ELBO!

    Args:
        data: whatever `nelbo.fit` takes, missing values (NaN) included. A transform other than
            `scale` that it has been given stays.

    Raises:
        TypeError: data that holds no numbers.
        ValueError: fewer than 2 examples, nothing but NaN, or nothing that varies.

    Example:
        >>> import torch, nelbo
        >>> x = torch.poisson(torch.full((500, 4), 3.0), torch.Generator().manual_seed(0))
        >>> found = nelbo.suggest(x)
        >>> found.kind, found.text
        ('500 examples of 4 features: counts', 'poisson')
    """
    seen = look(read(data))
    proposal = next(rule.propose(seen) for rule in RULES if rule.applies(seen))
    foretold, told = _foretold(seen, proposal)
    latent, reason = _latent(foretold, seen)
    return Suggestion(
        kind=f"{seen.examples:,} examples of {_shape(seen)}: {proposal.kind}",
        likelihood=proposal.likelihood,
        transform=proposal.transform,
        latent=latent,
        reasons=(
            Reason("likelihood", proposal.because, proposal.shown),
            Reason("transform", proposal.why_transform),
            reason,
        ),
        alternatives=proposal.alternatives,
        forecast=foretold,
        notes=(*proposal.notes, *_missing(seen), *_constant(seen), *_few(seen), *told),
        missing=bool((seen.gaps > 0).any()),
    )


def _shape(e: Evidence) -> str:
    if len(e.shape) > 1:
        return " x ".join(map(str, e.shape))
    return f"{e.features:,} feature" + "s" * (e.features != 1)


def _foretold(e: Evidence, proposal: Proposal) -> tuple[Forecast | None, tuple[str, ...]]:
    """Return the forecast of the examples that were kept, or why there is none."""
    x = filled(e.sample).reshape(-1, *e.shape)
    transform = None if e.transform is not None else proposal.transform
    try:
        return forecast(Examples(x, transform), proposal.likelihood), ()
    except (NelboError, RuntimeError):  # no curvature, or a decomposition that did not converge
        pass
    z = (x.flatten(1).double() - e.mean)[:, e.varying] / e.deviation[e.varying]
    try:
        found = forecast(Examples(z.nan_to_num(0.0, 0.0, 0.0)), Gaussian(variance=1.0))
    except (NelboError, RuntimeError) as error:
        return None, (f"No forecast: {error}",)
    told = "No forecast of this likelihood can be made: it is that of a Gaussian of unit variance, "
    return found, (f"{told}of the features divided by their deviation.",)


def _latent(found: Forecast | None, e: Evidence) -> tuple[int, Reason]:
    if found is None:
        return FEWEST, Reason("latent", "The fewest, for want of a forecast.")
    count = found.dimensions
    learns = found.verdict == "learns"
    latent = min(max(count, FEWEST), MOST) if learns else FEWEST
    plural = "" if count == 1 else "s"
    if count < FEWEST:
        end = f": at least {FEWEST} are worth a try"
    else:
        end = f", of which {MOST} are a start" if count > MOST else ""
    because = (
        f"The data has {count:,} linear-equivalent dimension{plural} (eigenvalues above 1){end}; "
        "a deep decoder may use more or fewer."
    )
    if not learns:
        because = (
            f"No direction of the data stands out of its noise (margin {found.margin:.3g}): the "
            "features look independent, and there is little to encode."
        )
    shown = {"margin": found.margin, "linear_equivalent_dimensions": count}
    return latent, Reason("latent", because, shown)


def _missing(e: Evidence) -> tuple[str, ...]:
    if not bool((e.gaps > 0).any()):
        return ()
    columns = int((e.gaps > 0).sum())
    return (
        f"{float(e.gaps.mean()):.1%} of the values are missing (NaN), in {columns:,} of "
        f"{e.features:,} features, {float(e.gaps.max()):.0%} at most: use VAE(..., missing=True). "
        "The forecast filled them with other values of the feature, so that it is cautious.",
    )


def _constant(e: Evidence) -> tuple[str, ...]:
    count = int((~e.varying).sum())
    if not count or len(e.shape) == 1 and e.features <= 1:
        return ()
    verb = "varies" if count == 1 else "vary"
    return (f"{count:,} of {e.features:,} features never {verb}.",) if e.is_image else ()


def _few(e: Evidence) -> tuple[str, ...]:
    if len(e.sample) >= 50:
        return ()
    return (f"{e.examples:,} examples are too few to tell families apart: a first guess.",)
