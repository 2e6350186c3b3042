"""The laws of a likelihood."""

from __future__ import annotations

import copy

import torch
from torch import Tensor
from torch.distributions import transform_to
from torch.distributions.constraints import Constraint

from nelbo.likelihoods import Likelihood
from nelbo.rng import seeded
from nelbo.testing.laws import (
    require,
    require_close,
    require_gradient,
    require_samples,
    require_shape,
)
from nelbo.testing.quadrature import events

Shape = tuple[int, ...]

# a density may pile up nearer to an end of its interval than float64 has numbers: such outputs are
# halved, at most so often, until so little mass lies at the outermost points
MILDER, ENDS = 4, 1e-11


def check_likelihood(likelihood: Likelihood, data_shape: Shape = (1, 2, 3)) -> None:
    """Check that a likelihood is a normalised distribution in nats per example.

    The laws, in order: shape [samples, batch]; a belief and a base measure; finite densities;
    twice the pixels, twice the nats; independence of the rest of the batch; total mass 1; stated
    mean and stated variance against the density's own; noise variance; gradient against finite
    differences; output at a mean; sample mean and sample variance within five standard errors.

    They are checked on copies in float64 and in evaluation mode: in training mode an optimal sigma
    depends on the batch, and `log_prob` is a profile likelihood of no fixed mass. `setup` is called
    for each shape.

    Args:
        likelihood: the component.
        data_shape: shape of one example; the last axis of independent features is the one that is
            doubled, and the mass is taken over an example of one of them, of as many axes.

    Raises:
        ConformanceError: a law is broken; the text names it, what was expected and what came.

    Example:
        >>> import nelbo
        >>> check_likelihood(nelbo.likelihoods.Gaussian(variance=0.5))

    """
    with seeded(0):
        features = len(data_shape) - likelihood.support.event_dim  # axes of independent features
        one_feature = (1,) * features + data_shape[features:]
        subject, single = _sized(likelihood, data_shape), _sized(likelihood, one_feature)
        _shape(subject, data_shape)
        _shape(single, one_feature)
        _words(subject)
        _finite(subject, data_shape)
        if features:
            doubled = tuple(n * (1 + (i == features - 1)) for i, n in enumerate(data_shape))
            _twice_the_pixels(subject, _sized(likelihood, doubled), data_shape, doubled)
        _independence(subject, data_shape)
        _mass_and_moments(single, one_feature)
        _gradient(subject, data_shape)
        _output_at_the_mean(subject, data_shape)
        drawn = subject(_outputs(subject, data_shape, 1, 2))
        require_samples(subject, drawn, _extent(subject.support))


def _extent(support: Constraint) -> float:
    """Return how far apart values can lie, 0 where there is no bound."""
    ends = getattr(support, "lower_bound", None), getattr(support, "upper_bound", None)
    return 0.0 if ends[0] is None or ends[1] is None else float(ends[1] - ends[0])


def _sized(likelihood: Likelihood, shape: Shape) -> Likelihood:
    subject = copy.deepcopy(likelihood)
    subject.setup(shape)
    return subject.double().eval()


def _outputs(subject: Likelihood, data_shape: Shape, samples: int = 3, batch: int = 5) -> Tensor:
    shape = (samples, batch, *subject.parameter_shape(data_shape))
    return 2.0 * torch.randn(shape, dtype=torch.float64)


def _data(subject: Likelihood, outputs: Tensor, data_shape: Shape) -> Tensor:
    if subject.support.is_discrete:
        return subject(outputs).sample()[0]
    draw = torch.randn(outputs.shape[1], *data_shape, dtype=torch.float64)
    return transform_to(subject.support)(draw)


def _shape(subject: Likelihood, data_shape: Shape) -> None:
    outputs = _outputs(subject, data_shape)
    log_prob = subject(outputs).log_prob(_data(subject, outputs, data_shape))
    require_shape(subject, "shape [samples, batch]", log_prob, (3, 5))


def _words(subject: Likelihood) -> None:
    require(
        bool(subject.belief.strip()),
        subject,
        "belief",
        expected="a phrase",
        got="none",
        fix="Say what the likelihood takes the data to be.",
    )
    require(
        subject.base_measure.startswith(("mass on ", "density on ")),
        subject,
        "base measure",
        expected="'mass on ...' or 'density on ...'",
        got=f"'{subject.base_measure}'",
        fix="Name the set, such as 'density on R^D': only equal base measures compare.",
    )


def _finite(subject: Likelihood, data_shape: Shape) -> None:
    for size in (0.0, 1.0, -30.0, 30.0):
        outputs = _outputs(subject, data_shape)
        x = _data(subject, outputs, data_shape)
        outputs = torch.full_like(outputs, size).requires_grad_()
        log_prob = subject(outputs).log_prob(x)
        (slope,) = torch.autograd.grad(log_prob.sum(), outputs)
        require(
            bool(log_prob.isfinite().all() and slope.isfinite().all()),
            subject,
            "finite densities",
            expected=f"finite log-densities and gradients at decoder outputs of {size:g}",
            got=f"{log_prob.min().item():g}, gradient {slope.abs().max().item():g}",
            fix="Compute in logits and logarithms; torch.where needs both branches finite.",
        )


def _twice_the_pixels(
    subject: Likelihood, wide: Likelihood, data_shape: Shape, doubled: Shape
) -> None:
    outputs = _outputs(subject, data_shape)
    x = _data(subject, outputs, data_shape)
    once, twice = subject.parameter_shape(data_shape), wide.parameter_shape(doubled)
    repeats = [b // a for a, b in zip(once, twice, strict=True)]
    axis = 1 + next(i for i, n in enumerate(doubled) if n != data_shape[i])
    require_close(
        subject,
        "twice the pixels, twice the nats",
        wide(outputs.repeat(1, 1, *repeats)).log_prob(torch.cat((x, x), dim=axis)),
        2.0 * subject(outputs).log_prob(x),
        "Sum over the features; a mean over them divides the nats by their number.",
    )


def _independence(subject: Likelihood, data_shape: Shape) -> None:
    outputs = _outputs(subject, data_shape)
    x = _data(subject, outputs, data_shape)
    require_close(
        subject,
        "independence of the rest of the batch",
        subject(outputs[:1, :1]).log_prob(x[:1]),
        subject(outputs).log_prob(x)[:1, :1],
        "In evaluation mode nothing may be computed from the other examples or samples.",
    )


def _mass_and_moments(subject: Likelihood, one_feature: Shape) -> None:
    outputs = _outputs(subject, one_feature, 1, 5)
    outputs[:, 0] = 0.0
    several = outputs[0, 0].numel() > 1
    for output in outputs.split(1, dim=1):
        x, mass = _masses(subject, output, one_feature)
        for _ in range(MILDER):
            if float(mass[[0, -1]].max()) > ENDS and not subject.support.is_discrete:
                output = output / 2
                x, mass = _masses(subject, output, one_feature)
        px = subject(output)
        _sums(subject, x, mass, px.mean.detach().flatten(), px.variance.detach().flatten(), several)


def _masses(subject: Likelihood, output: Tensor, one_feature: Shape) -> tuple[Tensor, Tensor]:
    """Return the points of one feature, and the mass that each stands for."""
    px = subject(output)
    centre = float(px.mean.detach().nan_to_num().flatten()[0])
    sigma = float(px.variance.detach().sqrt().flatten()[0])
    width = min(max(sigma, 1e-3), 1e3) if sigma < float("inf") else 1.0
    x, weights = events(subject.support, one_feature, centre, width)
    every = subject(output.expand(-1, len(x), *output.shape[2:]))
    log_prob = every.log_prob(x).detach().flatten()
    return x, weights * log_prob.exp()


def _sums(
    subject: Likelihood, x: Tensor, mass: Tensor, mean: Tensor, variance: Tensor, several: bool
) -> None:
    add = "Add the log-normaliser: a loss is no log-density."
    state = "Return the moment of the distribution itself, not its parameter."
    mass, x = mass[:, None], x.flatten(1)
    m = (mass * x).sum(0)
    require_close(subject, "total mass 1", mass.sum(), torch.ones(()).to(m), add)
    require_close(subject, "stated mean", mean, m, state)
    if bool(variance.isfinite().all()):
        v = (mass * (x - m) ** 2).sum(0)
        require_close(subject, "stated variance", variance, v, state)
        _noise_variance(subject, mean, variance, several)


def _noise_variance(subject: Likelihood, mean: Tensor, variance: Tensor, several: bool) -> None:
    believed, law = subject.noise_variance(mean), "noise variance"
    fix = "Return the variance V(mean) of one feature."
    if believed is not None:
        require_close(subject, law, believed, variance, fix)
        return
    one = "a variance: one output a feature says it with the mean"
    require(several, subject, law, expected=one, got="None", fix=fix)


def _output_at_the_mean(subject: Likelihood, data_shape: Shape) -> None:
    outputs = _outputs(subject, data_shape, 1, 1)
    mean = subject(outputs).mean[0, 0].detach()
    output = subject.output_at(mean).expand(subject.parameter_shape(data_shape))
    require_close(
        subject,
        "output at a mean",
        subject(output[None, None]).mean[0, 0],
        mean,
        "Return the decoder's output at which p(x|z) has this mean.",
    )


def _gradient(subject: Likelihood, data_shape: Shape) -> None:
    outputs = _outputs(subject, data_shape)
    x = _data(subject, outputs, data_shape)
    outputs.requires_grad_()
    require_gradient(
        subject,
        "gradient against finite differences",
        lambda: subject(outputs).log_prob(x),
        (outputs, *subject.parameters()),
    )
