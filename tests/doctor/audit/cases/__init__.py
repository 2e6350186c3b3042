"""VAE losses met in public code and questions, restated as small torch callables, with truths.

Reference data for the tests of the audit. Each callable restates the formula of its source. Every
truth was derived by hand; the tests beside these files prove it against `torch.distributions`,
duplication of examples, features and latents, and finite changes.

    loss(x, recon, mu, logvar) -> scalar
    x        [batch, *data_shape]; target_kind says what it holds
    recon    the same shape, or the pair (mean, log_variance) where recon_kind is 'mean+logvar';
             else it is 'mean' (any real values), 'prob' (in (0, 1)) or 'logits'
    mu       [batch, n_latent]
    logvar   [batch, n_latent]: the true log-variance of the q(z|x) that the source's sampler uses

Truth: loss = a_R * sum_b R_b + a_K * sum_b KL_b + const; B examples, D features, L latents.
R_b is summed over the features in its canonical unit: squared_error (x-m)^2 without 1/2;
absolute_error |x-m|; bce_prob, bce_logits the Bernoulli NLL; gaussian_nll with its log-variance;
continuous_bernoulli with its normaliser; categorical the cross-entropy (D = positions). KL_b is
summed over the latents.

    a_R = recon_constant * (1 | 1/B by batch_reduction) * (1 | 1/D by feature_reduction)
    a_K = kl_constant * (1 | 1/B by kl_batch_reduction) * (1 | 1/L by kl_latent_reduction)
    implied_sigma2              squared_error: a_K / (2 a_R), the variance at which beta = 1
    implied_laplace_b           absolute_error: a_K / a_R
    kl_coefficient_per_example  normalised families: beta = a_K / a_R
    kl_form                     closed | mc (one sample) | free_bits | capacity
                                | wrong (not proportional to the KL) | extra | absent

kl_form `absent`: nothing in the loss pulls q towards a prior; then every KL answer is None.
rb, rf: known when the reconstruction adds up over examples, features; None where it does not,
    as in a norm of everything. A mean over one axis alone that is not the first is a constant:
    features are duplicated along the first feature axis.
rc, kc: None where no multiple of the family's unit, of the KL, of mu^2 / 2 (a wrong KL) fits.
offset: value of the KL term less the KL, nats per example, where the KL lacks its constant.
threshold: nats, of what is clamped or held; `extra["clamp"]` says what that is.
beta of a wrong KL is None, as is sigma2; of an extra one the KL's own.
"""

from __future__ import annotations

from tests.doctor.audit.cases import (
    absolute_error,
    bernoulli,
    categorical,
    details,
    gaussian,
    kl_absent,
    kl_and_more,
    kl_kept,
    kl_thresholds,
    kl_wrong,
    other_errors,
    published,
    signs,
    squared_error,
    weighted_errors,
)

_FURTHER = (
    bernoulli,
    squared_error,
    absolute_error,
    gaussian,
    categorical,
    other_errors,
    weighted_errors,
    signs,
    kl_kept,
    kl_thresholds,
    kl_wrong,
    kl_absent,
    kl_and_more,
)
PUBLISHED = published.CASES.all
FURTHER = [case for module in _FURTHER for case in module.CASES.all]
DETAILS = details.CASES.all
CONTESTABLE = {
    name: fields
    for module in (*_FURTHER, details)
    for name, fields in module.CASES.contestable.items()
}
EXTRAS = {name: adds for module in _FURTHER for name, adds in module.CASES.extras.items()}
