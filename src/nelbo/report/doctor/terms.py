"""What a loss says: its two terms, and the decoder that they imply."""

from __future__ import annotations

import math

from nelbo.doctor.audit.results import Audit, Reduction
from nelbo.report.doctor.level import probed
from nelbo.report.doctor.sheet import Numbers, Row
from nelbo.report.words import Phrases

_UNITS = {"squared_error", "absolute_error"}  # families whose beta is said by their scale


def tables(found: Audit, words: Phrases) -> tuple[Numbers, ...]:
    """Return the terms, and what they imply where that is known."""
    return (_terms(found, words), *_implied(found, words))


def fine(found: Audit, words: Phrases) -> str:
    """Return the sentence for a loss in which nothing is wrong."""
    family = found.reconstruction.family
    key = f"doctor.decoder.{family}"
    scale = {"squared_error": found.sigma2, "absolute_error": found.laplace_scale}
    whole = found.kl.form in ("closed", "mc")  # else it is no ELBO, but may well fit
    if not whole or not words.has(key) or scale.get(family, 1.0) is None:
        return words("doctor.fine.audit.unknown")
    decoder = words(key, sigma2=probed(found.sigma2), scale=probed(found.laplace_scale))
    weighted = family not in _UNITS and found.beta is not None
    if weighted and not math.isclose(found.beta or 1.0, 1.0, rel_tol=1e-3):
        return words("doctor.fine.audit.beta", decoder=decoder, beta=probed(found.beta))
    return words("doctor.fine.audit", decoder=decoder)


def _terms(found: Audit, words: Phrases) -> Numbers:
    def reduction(of: Reduction | None) -> str:
        return words(f"doctor.reduction.{of or 'none'}")

    r, kl = found.reconstruction, found.kl
    return Numbers(
        words("doctor.terms.heading"),
        (
            words("doctor.terms.term"), words("doctor.terms.what"), words("doctor.terms.examples"),
            words("doctor.terms.inside"), f">{words('doctor.terms.constant')}",
        ),
        (
            Row((
                words("doctor.terms.reconstruction"), words(f"doctor.family.{r.family}"),
                reduction(r.batch), reduction(r.features), probed(r.constant),
            )),
            Row((
                words("doctor.terms.kl"), words(f"doctor.form.{kl.form}"),
                reduction(kl.batch), reduction(kl.latents), probed(kl.constant),
            )),
        ),
        essential=5,
    )  # fmt: skip


def _implied(found: Audit, words: Phrases) -> tuple[Numbers, ...]:
    family = found.reconstruction.family
    beta = f"beta.{family}" if family in _UNITS else "beta"
    known = (
        ("σ²", found.sigma2, "sigma2"), ("b", found.laplace_scale, "laplace_scale"),
        ("β", found.beta, beta),
    )  # fmt: skip
    rows = tuple(
        Row((name, probed(value), words(f"doctor.implied.{key}")))
        for name, value, key in known
        if value is not None
    )
    if not rows:
        return ()
    quantity, value, meaning = (
        words(f"doctor.implied.{k}") for k in ("quantity", "value", "meaning")
    )
    columns = (quantity, f">{value}", meaning)
    return (Numbers("", columns, rows, essential=3),)
