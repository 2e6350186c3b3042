"""Estimators, one a file; each returns numbers with a unit and a standard error."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, final

import torch

from nelbo.data import Source, as_source
from nelbo.errors import BadType, BadValue
from nelbo.evaluate.active_units import ActiveUnits
from nelbo.evaluate.base import Decodable, Estimator, Evaluable, evaluation_mode
from nelbo.evaluate.codebook_use import CodebookUse
from nelbo.evaluate.decoder_sensitivity import DecoderSensitivity
from nelbo.evaluate.elbo import ELBO
from nelbo.evaluate.epsilon_delta_collapse import EpsilonDeltaCollapse
from nelbo.evaluate.estimate import Estimate
from nelbo.evaluate.importance_bound import ImportanceBound
from nelbo.evaluate.impute import impute
from nelbo.evaluate.kl_per_latent import KLPerLatent
from nelbo.evaluate.mutual_information import MutualInformation
from nelbo.evaluate.output_dependence import OutputDependence
from nelbo.evaluate.prior_samples import PriorSamples
from nelbo.evaluate.share import shared
from nelbo.matmul import fast_matmul
from nelbo.rng import seeded
from nelbo.world import ALONE, World

__all__ = [
    "ELBO",
    "ActiveUnits",
    "CodebookUse",
    "Decodable",
    "DecoderSensitivity",
    "EpsilonDeltaCollapse",
    "Estimate",
    "Estimator",
    "Evaluable",
    "ImportanceBound",
    "KLPerLatent",
    "MutualInformation",
    "OutputDependence",
    "PriorSamples",
    "evaluate",
    "impute",
]


@final
class _Evaluate:
    """Measure a model on data: `nelbo.evaluate(model, test, [nelbo.evaluate.ELBO()])`.

    The estimators are attributes, so that one name leads to all of them.
    """

    ActiveUnits = ActiveUnits
    CodebookUse = CodebookUse
    Decodable = Decodable
    DecoderSensitivity = DecoderSensitivity
    ELBO = ELBO
    EpsilonDeltaCollapse = EpsilonDeltaCollapse
    Estimate = Estimate
    Estimator = Estimator
    Evaluable = Evaluable
    ImportanceBound = ImportanceBound
    KLPerLatent = KLPerLatent
    MutualInformation = MutualInformation
    OutputDependence = OutputDependence
    PriorSamples = PriorSamples

    @torch.no_grad()
    def __call__(
        self,
        model: Evaluable,
        data: Any,
        estimators: Sequence[Estimator] = (ELBO(), ActiveUnits(), OutputDependence()),
        seed: int = 0,
        world: World = ALONE,
    ) -> dict[str, Estimate]:
        """Return the estimates by name.

        Args:
            model: anything with `terms(x, samples)` and `reconstruct(x)`.
            data: whatever `nelbo.fit` takes: arrays, a `Source`, a `Dataset`, batches.
            estimators: what to measure; by default ELBO, active units and output dependence.
            seed: of the latents drawn; the caller's generators stay as they were.
            world: the processes that measure together, each some of the examples; see `joined`.
                All have to call this, and all get the same numbers.

        Raises:
            TypeError: not a list of estimators.
            ValueError: two estimators give a number of the same name.

        Example:
            >>> import nelbo
            >>> model = nelbo.VAE(data_shape=(4,), latent=2)
            >>> found = nelbo.evaluate(model, torch.ones(40, 4), [nelbo.evaluate.ELBO()])
            >>> found["elbo"].unit
            'nats per example'
        """
        _check(estimators)
        source, found = as_source(data), dict[str, Estimate]()
        for estimator in estimators:
            together = world if estimator.shares and _enough(source, world) else ALONE
            with fast_matmul(), seeded(together.seed(seed)), evaluation_mode(model):
                for estimate in estimator(model, shared(source, together)):
                    if estimate.name in found:
                        raise BadValue(
                            "estimators",
                            expected="one of a kind",
                            got=f"two that give '{estimate.name}'",
                            fix="Evaluate them in two calls.",
                        )
                    found[estimate.name] = estimate
        return found


def _enough(source: Source, world: World) -> bool:
    """Whether there is at least one example for each process, as far as that is known."""
    return source.size is None or source.size >= world.size


def _check(estimators: Any) -> None:
    known = isinstance(estimators, Sequence) and all(isinstance(e, Estimator) for e in estimators)
    if not known:
        got, fix = repr(estimators), "For example [nelbo.evaluate.ELBO()]."
        raise BadType("estimators", expected="a list of estimators", got=got, fix=fix)


evaluate = _Evaluate()
