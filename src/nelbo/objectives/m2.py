"""Semi-supervised learning: the ELBO of what is labelled and of what is not."""

from __future__ import annotations

import math
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import one_hot

from nelbo.errors import BadValue
from nelbo.objectives.base import LearningObjective
from nelbo.objectives.critic import check_critic
from nelbo.objectives.enumerated import Enumerated
from nelbo.perceptron import perceptron
from nelbo.registry import register
from nelbo.terms import Terms

FIX = "Make rows with nelbo.data.beside(x, labels); -1 is the label of what has none."


# y known:    log p(y) + ELBO(x|y) + alpha log q(y|x)             Kingma, Rezende, Mohamed & Welling
# y unknown:  sum_y q(y|x) [log p(y) + ELBO(x|y)] + H(q(y|x))                    2014, (6), (7), (9)
@register("objective", "m2")
class M2(LearningObjective):
    """The bound of log p(x, y) where the class is known, and of log p(x) where it is not.

    The classes are the model's covariates, one-hot, and NaN where unknown; p(y) is uniform. The
    classifier q(y|x) is a perceptron of the data that learns with the model: `classify`. Every
    class is gone through for every example: a step costs as much as one of so many more examples.

    Of a forward pass that knows of no classes it is the ELBO. What it takes to gain by it:

    - Every batch needs labelled examples: train on `rows[nelbo.data.oversample(labels)]`. One
      in a hundred is drowned by what the others say of a classifier that knows nothing yet.
    - Few latents (3 to 5), or z says what y should.
    - `alpha` so large that the classes are not redefined: the ELBOs of the classes differ by a few
      nats on features (alpha 2), on pixels by tens (30).
    - Features of a VAE trained before, M1+M2, cost a tenth of pixels: `model.encode(x).mean`.

    Source: Kingma, Rezende, Mohamed & Welling 2014, Semi-supervised learning with deep generative
    models, section 3.

    Args:
        alpha: weight of log q(y|x) for each labelled row; the paper's is 0.1 divided by their
            share of the rows.
        hidden: sizes of the classifier's layers.
        lr: the classifier's step size; None for the model's.

    Raises:
        ValueError: an argument is out of range, or a model without covariates.

    Example:
        >>> M2(alpha=5.0).belief
        'semi-supervised ELBO (M2) + 5 log q(y|x) of what is labelled'

    """

    def __init__(
        self, alpha: float = 1.0, hidden: tuple[int, ...] = (500,), lr: float | None = None
    ) -> None:
        super().__init__()
        if not 0 <= alpha < math.inf:
            expected = "a number of at least 0"
            raise BadValue("alpha", expected=expected, got=alpha, fix="Try 1.")
        self.alpha, self.hidden, self.lr = alpha, check_critic(hidden, lr), lr

    def setup(self, data_shape: tuple[int, ...], latent: int) -> None:
        """Take note of the number of features."""
        self._features = math.prod(data_shape)

    def connect(self, covariates: int) -> None:
        """Create the classifier; ValueError where the model has no covariates."""
        _require(covariates)
        self.classifier = perceptron(self._features, self.hidden, covariates, nn.ReLU)

    def check_data(self, model: Any, x: Tensor) -> bool:
        """Refuse covariates that are neither one-hot nor NaN, and data outside the domain."""
        _require(model.covariates)
        data, y = model.inputs.split(x)
        known = ~y.isnan().any(-1)
        hot = ((y == 0) | (y == 1)).all(-1) & (y.nansum(-1) == 1)
        if not bool(torch.where(known, hot, y.isnan().all(-1)).all()):
            expected = "one-hot classes, or NaN in all of a row"
            raise BadValue("covariates for m2", expected=expected, got="other values", fix=FIX)
        return model.check(model.inputs.join(data, torch.zeros_like(y)))

    def terms(self, model: Any, x: Tensor, samples: int | None = None) -> Terms:
        """Return the pass with every class, averaged over what the class may be."""
        data, y = model.inputs.split(x)
        classes = torch.eye(y.shape[1]).to(y)
        every = classes.repeat_interleave(len(y), 0)
        copies = torch.cat([data] * len(classes))
        each = model.terms(model.inputs.join(copies, every), samples or self.samples)
        log_q = self._log_q(data)
        known = ~y.isnan().any(-1, keepdim=True)
        weights = torch.where(known, torch.where(known, y, torch.zeros_like(y)), log_q.exp())
        return Enumerated(each, weights.mT, data, model, y, log_q.mT)

    def forward(self, terms: Terms) -> Float[Tensor, " batch"]:
        """Return the objective of each example, [batch]."""
        elbo = terms.log_px.mean(0) - terms.kl_total
        if not isinstance(terms, Enumerated):
            return elbo
        said = (terms.weights * terms.log_q).sum(0)
        known = self.alpha * said - math.log(len(terms.log_q))
        return elbo + torch.where(terms.known, known, 0.0)

    def measured(self, model: Any) -> _Evaluated:
        """Return the model with its classifier beside it, of which classes may be unknown.

        Of examples with a class, its ELBO is the model's, log p(x|y); of those without, the bound
        of log p(x), whose KL has that of the class in it.

        Example:
            >>> import nelbo
            >>> rows = nelbo.data.beside(torch.rand(9, 4).round(), [0, 1, -1] * 3)
            >>> model, objective = nelbo.VAE(4, latent=2, covariates=2), M2(hidden=(8,))
            >>> _ = nelbo.fit(model, rows, objective=objective, epochs=1, callbacks=[])
            >>> sorted(nelbo.evaluate(objective.measured(model), rows, [nelbo.evaluate.ELBO()]))
            ['elbo', 'kl', 'reconstruction']
        """
        self._require_classifier("measured")
        return _Evaluated(model, self)

    @torch.no_grad()
    def classify(self, x: Float[Tensor, " batch *event"]) -> Float[Tensor, "batch classes"]:
        """Return q(y|x).

        Args:
            x: data, or rows of data and covariates, of which the latter are not looked at.

        Raises:
            ValueError: nothing was trained with this objective.

        """
        self._require_classifier("classify")
        return self._log_q(x).exp()

    def _require_classifier(self, what: str) -> None:
        if not hasattr(self, "classifier"):
            got, fix = "none", "Train with this very objective: nelbo.fit(..., objective=m2)."
            raise BadValue(what, expected="a trained classifier", got=got, fix=fix)

    def _log_q(self, x: Tensor) -> Tensor:
        flat = x.flatten(1)[:, : self._features]
        return self.classifier(torch.where(flat.isnan(), 0.0, flat)).log_softmax(-1)

    @property
    def belief(self) -> str:
        """What is maximised."""
        return f"semi-supervised ELBO (M2) + {self.alpha:g} log q(y|x) of what is labelled"


class _Evaluated(nn.Module):
    """A model and its M2, as evaluation and validation see them.

    Args:
        model: whose covariates are the classes.
        objective: that was trained with it.
    """

    def __init__(self, model: Any, objective: M2) -> None:
        super().__init__()
        self.model, self.objective = model, objective
        self.likelihood, self.inputs = model.likelihood, model.inputs

    def check(self, x: Tensor) -> bool:
        """Refuse what M2 refuses; return whether all is in the likelihood's support."""
        return self.objective.check_data(self.model, x)

    def terms(self, x: Tensor, samples: int = 1) -> Terms:
        """Return the pass with every class, averaged over what the class may be."""
        return self.objective.terms(self.model, x, samples)

    def reconstruct(self, x: Tensor) -> Tensor:
        """Return the mean of p(x|z, y) at the mean of q(z|x, y), of the known or likeliest y."""
        data, y = self.inputs.split(x)
        likeliest = one_hot(self.objective.classify(data).argmax(-1), y.shape[1]).to(y)
        return self.model.reconstruct(self.inputs.join(data, torch.where(y.isnan(), likeliest, y)))


def _require(covariates: int) -> None:
    if not covariates:
        expected = "a model whose covariates are the classes"
        raise BadValue("objective m2", expected=expected, got="covariates=0", fix=FIX)
