"""Constructed results of the doctor: every case that its surfaces have to tell apart."""

from __future__ import annotations

import math

from nelbo.doctor import Finding, Forecast
from nelbo.doctor.audit.results import KL, Audit, Reconstruction
from nelbo.doctor.diagnose.results import Diagnosis
from nelbo.evaluate import Estimate
from nelbo.report import doctor

MADE = {
    "command": "nelbo audit my_code.py:my_loss",
    "provenance": "MNIST, inside nelbo: split as given.",
    "checksum": "c0ffee" * 10,
    "seed": 0,
    "versions": {"nelbo": "0.1.0", "torch": "2.13.0"},
}
ABOUT = ("MNIST, 60,000 examples", "20 latents", "output: mean")
SPECTRUM = tuple(5.117 / (1 + 0.35 * i) ** 1.6 for i in range(784))


def foretold(beta: float = 1.0, scale: float = 392.0, **changes: object) -> Forecast:
    values = tuple(value / scale for value in SPECTRUM)
    margin = values[0] / beta
    verdict = "learns" if margin > 1.25 else "collapses" if margin < 0.8 else "marginal"
    made = {
        "margin": margin,
        "eigenvalues": values,
        "verdict": verdict,
        "dimensions": sum(value > beta for value in values),
        "critical_beta": values[0],
        "critical_variance": scale * margin,
    }
    return Forecast(**{**made, **changes})


AVERAGED = Finding(
    "pixels_averaged",
    "error",
    "The squared error is averaged over the 784 features while the KL is summed over the "
    "latents: that is a Gaussian decoder of variance 392, and nothing in this data varies by more "
    "than 5.12.",
    {"implied_variance": 392.0, "features": 784, "largest eigenvalue": 5.1169, "margin": 0.01305},
    "recon_loss = ((x - recon) ** 2).flatten(1).sum(1).mean()",
)
DIVIDED = Finding(
    "kl_divided_by_batch",
    "warning",
    "The KL is divided by the batch size once too often, so its weight changes with `batch_size`.",
    {"beta at 100 examples": 0.01, "beta at 50 examples": 0.02},
    "Take one mean: kl = -0.5 * (1 + logvar - mu**2 - logvar.exp()).sum(1).mean()",
)
GREY = Finding(
    "grey_values",
    "info",
    "A Bernoulli gives probability to 0 and 1 only; 19 % of the values lie between.",
    {"values between 0 and 1": 0.19},
    "Use a continuous Bernoulli, or binarise the data.",
)


def audit(**changes: object) -> Audit:
    made = {
        "reconstruction": Reconstruction("squared_error", "mean", "mean", 1.0),
        "kl": KL("closed", "mean", "sum", 1.0),
        "sigma2": 392.0,
        "laplace_scale": None,
        "beta": 784.0,
        "findings": (AVERAGED, DIVIDED, GREY),
        "forecast": foretold(),
        "ok": False,
    }
    return Audit(**{**made, **changes})


def healthy(**changes: object) -> Audit:
    values = {
        "reconstruction": Reconstruction("squared_error", "mean", "sum", 1.0),
        "sigma2": 0.5,
        "beta": 1.0,
        "findings": (),
        "forecast": foretold(scale=0.5),
        "ok": True,
    }
    return audit(**{**values, **changes})


def bernoulli(**changes: object) -> Audit:
    values = {
        "reconstruction": Reconstruction("bce_prob", "sum", "sum", 1.0),
        "kl": KL("closed", "sum", "sum", 1.0),
        "sigma2": None,
        "beta": 1.0,
        "findings": (GREY,),
    }
    return healthy(**{**values, **changes})


def unknown() -> Audit:
    finding = Finding(
        "not_finite", "error", "The loss is not a number.", {"loss": math.nan}, "Clamp `[p]`."
    )
    return audit(
        reconstruction=Reconstruction("unknown", None, None, None),
        kl=KL("absent", None, None, None),
        sigma2=None,
        beta=None,
        findings=(finding,),
        forecast=None,
    )


def _measures(dead: bool = True) -> dict[str, Estimate]:
    n, nats = 10_000, "nats per example"
    density = "density on R^D"
    parts = tuple(1e-5 for _ in range(20)) if dead else tuple(2.5 / (1 + i) for i in range(20))
    active = (0.0,) * 20 if dead else (1.0,) * 13 + (0.0,) * 7
    return {
        "elbo": Estimate("elbo", -3061.2, nats, 0.2, n, 1, density),
        "reconstruction": Estimate("reconstruction", -3061.2, nats, 0.2, n, 1, density),
        "kl": Estimate("kl", sum(parts), nats, 1e-5, n),
        "kl_per_latent": Estimate("kl_per_latent", sum(parts), nats, 1e-5, n, parts=parts),
        "active_units": Estimate("active_units", sum(active), "of 20", 0.0, n, parts=active),
        "output_dependence": Estimate("output_dependence", 2e-6, "of the variance", 1e-6, n),
        "squared_error": Estimate("squared_error", 53.1, "squared units per example", 0.2, n),
        "output_deviation": Estimate("output_deviation", 1.3e-5, "units", 1e-6, n),
    }


COLLAPSED = Finding(
    "collapsed",
    "error",
    "Every reconstruction is the same image: the outputs do not depend on the inputs, and no "
    "latent is active. The loss takes 99.99 % of the data to be noise.",
    {"active latents": 0, "output dependence": 2e-6, "KL (nats per example)": 1.3e-4},
    "nelbo.likelihoods.Gaussian(sigma='learned')",
)


def diagnosis(dead: bool = True, **changes: object) -> Diagnosis:
    made = {
        "findings": (COLLAPSED,) if dead else (),
        "measures": _measures(dead),
        "audit": None,
        "forecast": foretold(scale=392.0 if dead else 0.5),
        "ok": not dead,
    }
    return Diagnosis(**{**made, **changes})


CONSTANT = foretold(
    eigenvalues=(0.0,), margin=0.0, verdict="collapses", dimensions=0, critical_beta=0.0,
    critical_variance=0.0,
)  # fmt: skip
NOTED = foretold(
    beta=4.9, scale=1.0, notes=("The sigmoid of a Laplace on data with an atom pins those pixels.",)
)

NAN, INF = float("nan"), float("inf")
_AUDITS = {
    "averaged": audit(),
    "healthy": healthy(),
    "bernoulli": bernoulli(),
    "unknown": unknown(),
}
_FORECASTS = {
    "collapses": foretold(), "learns": foretold(scale=0.5), "marginal": NOTED, "constant": CONSTANT,
}  # fmt: skip
_DIAGNOSES = {
    "dead": diagnosis(), "alive": diagnosis(dead=False), "whole": diagnosis(audit=audit()),
    "bare": diagnosis(forecast=None, measures={}),
    "not finite": diagnosis(
        measures={
            "kl": Estimate("kl", NAN, "nats per example", INF, 9, parts=(INF, 1.0, NAN)),
        }
    ),
}  # fmt: skip
RESULTS = {**_AUDITS, **_FORECASTS, **_DIAGNOSES}


def sheet(case: str, lang: str = "en") -> doctor.Sheet:
    """Return the sheet of a case."""
    found = RESULTS[case]
    made = {Audit: doctor.audit, Forecast: doctor.forecast, Diagnosis: doctor.diagnosis}[
        type(found)
    ]
    return made(found, "my_code.py:my_loss", ABOUT, MADE, lang)
