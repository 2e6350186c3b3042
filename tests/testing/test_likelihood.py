"""The checker catches likelihoods that are wrong in the ways that people get them wrong."""

import pytest
import torch
from torch.distributions import Independent, Normal, constraints

from nelbo.likelihoods import Gaussian, Likelihood
from nelbo.testing import ConformanceError, check_likelihood


class Right(Likelihood):
    """Somebody else's likelihood: unit variance, not registered."""

    support = domain = constraints.real
    base_measure = "density on R^D"
    requirement = "finite values"
    advice = "Every finite value is allowed."
    belief = "unit noise"
    features = Normal

    def forward(self, parameters):
        one = torch.ones_like(parameters)
        return Independent(self.features(parameters, one), parameters.dim() - 2)

    def noise_variance(self, mean):
        return torch.ones_like(mean)

    def output_at(self, mean):
        return mean


class BareSquaredErrors(Normal):
    def log_prob(self, value):
        return -((value - self.loc) ** 2)


class HalfSquaredErrors(Normal):
    def log_prob(self, value):
        return -0.5 * (value - self.loc) ** 2


class BareSquaredError(Right):
    """The question's `F.sum((x - y)**2)`, called a log-likelihood."""

    features = BareSquaredErrors


class HalfSquaredError(Right):
    """Only the constant log(2 pi) / 2 is missing: the gradient is right, the number is not."""

    features = HalfSquaredErrors


class PixelMeanOf(Independent):
    def log_prob(self, value):
        return self.base_dist.log_prob(value).flatten(2).mean(-1)


class PixelMean(Right):
    """`F.mean_squared_error`: the nats are divided by the number of pixels."""

    def forward(self, parameters):
        one = torch.ones_like(parameters)
        return PixelMeanOf(Normal(parameters, one), parameters.dim() - 2)


class Unsummed(Right):
    """Forgets `Independent`: one number a pixel."""

    def forward(self, parameters):
        return Normal(parameters, torch.ones_like(parameters))


class BatchMeanOf(Independent):
    def log_prob(self, value):
        return super().log_prob(value).mean(-1, keepdim=True)


class BatchMean(Right):
    """Averages over the batch inside."""

    def forward(self, parameters):
        one = torch.ones_like(parameters)
        return BatchMeanOf(Normal(parameters, one), parameters.dim() - 2)


class BatchSigma(Right):
    """Takes sigma from the decoder's whole output, in evaluation too."""

    def forward(self, parameters):
        sigma = torch.full_like(parameters, 1.0 + parameters.detach().std(correction=0).item())
        return Independent(Normal(parameters, sigma), parameters.dim() - 2)


class WrongMeans(Normal):
    mean = property(lambda self: torch.sigmoid(self.loc))


class WrongMean(Right):
    """Reports a squashed parameter as the mean."""

    features = WrongMeans


class WrongVariances(Normal):
    variance = property(lambda self: 2 * self.scale**2)


class WrongVariance(Right):
    features = WrongVariances


class WrongNoise(Right):
    """Confuses sigma^2 = 1 with sigma^2 = 1/2."""

    def noise_variance(self, mean):
        return torch.full_like(mean, 0.5)


class BiasedDraws(Normal):
    def sample(self, sample_shape=()):
        return super().sample(sample_shape) + 0.1


class BiasedSample(Right):
    features = BiasedDraws


class NoiselessDraws(Normal):
    def sample(self, sample_shape=()):
        return self.loc.expand(*sample_shape, *self.loc.shape).detach()


class NoiselessSample(Right):
    """Draws the mean: the customary picture, but no sample."""

    features = NoiselessDraws


class StoppedGradients(Normal):
    def log_prob(self, value):
        return Normal(self.loc.detach(), self.scale).log_prob(value) + 0.0 * self.loc


class StoppedGradient(Right):
    features = StoppedGradients


class Overflows(Right):
    """Right in the middle, infinite at decoder outputs of 30."""

    def forward(self, parameters):
        far = torch.where(parameters.abs() > 29, torch.inf, parameters)
        return Independent(Normal(far, 1.0, validate_args=False), parameters.dim() - 2)


class Speechless(Right):
    belief = " "


class Baseless(Right):
    base_measure = "nats"


def test_somebody_elses_right_likelihood_passes():
    check_likelihood(Right())


@pytest.mark.parametrize(
    ("wrong", "law", "numbers"),
    [
        (BareSquaredError, "total mass 1", ("expected 1 ", "got 1.7724539")),  # sqrt(pi)
        (HalfSquaredError, "total mass 1", ("expected 1 ", "got 2.5066283")),  # sqrt(2 pi)
        (PixelMean, "twice the pixels, twice the nats", ()),
        (Unsummed, r"shape \[samples, batch\]", ("[3, 5]", "[3, 5, 1, 2, 3]")),
        (BatchMean, r"shape \[samples, batch\]", ("[3, 5]", "[3, 1]")),
        (BatchSigma, "independence of the rest of the batch", ()),
        (WrongMean, "stated mean", ("got 0.5",)),
        (WrongVariance, "stated variance", ("expected 1 ", "got 2")),
        (WrongNoise, "noise variance", ("expected 1 ", "got 0.5")),
        (BiasedSample, "sample mean", ()),
        (NoiselessSample, "sample variance", ("expected 1 ", "got 0.")),
        (StoppedGradient, "gradient against finite differences", ("got 0.",)),
        (Overflows, "finite densities", ("got -inf",)),
        (Speechless, "belief", ()),
        (Baseless, "base measure", ("'nats'",)),
    ],
)
def test_a_wrong_likelihood_is_caught_by_its_law(wrong, law, numbers):
    with pytest.raises(ConformanceError, match=f"^{wrong.__name__}, law '{law}': ") as caught:
        check_likelihood(wrong())
    for number in numbers:
        assert number in str(caught.value)


def test_a_pixel_mean_gives_the_same_nats_for_twice_the_pixels():
    with pytest.raises(ConformanceError) as caught:
        check_likelihood(PixelMean())
    assert float(str(caught.value.expected).split()[0]) == pytest.approx(
        2 * float(str(caught.value.got)), rel=1e-6
    )


def test_the_optimal_sigma_of_training_depends_on_the_batch():
    """Why the laws are checked in evaluation mode: in training this is a profile likelihood."""
    likelihood = Gaussian(sigma="optimal").double().train()
    outputs = torch.linspace(-1, 1, 12, dtype=torch.float64).reshape(2, 3, 2)
    x = torch.zeros(3, 2, dtype=torch.float64)
    whole = likelihood(outputs).log_prob(x)[:1, :1]
    assert abs(float(whole - likelihood(outputs[:1, :1]).log_prob(x[:1]))) > 0.1


def test_the_callers_component_and_random_numbers_are_left_alone():
    likelihood = Gaussian(sigma="optimal").train()
    state, before = (
        torch.get_rng_state(),
        {k: v.clone() for k, v in likelihood.state_dict().items()},
    )
    check_likelihood(likelihood)
    assert likelihood.training
    assert torch.equal(torch.get_rng_state(), state)
    for name, value in likelihood.state_dict().items():
        assert value.dtype == before[name].dtype
        assert torch.equal(value, before[name])


def test_the_error_is_an_assertion_with_its_parts():
    with pytest.raises(AssertionError) as caught:
        check_likelihood(BareSquaredError())
    assert caught.value.what == "BareSquaredError, law 'total mass 1'"
    assert "log-normaliser" in caught.value.fix
