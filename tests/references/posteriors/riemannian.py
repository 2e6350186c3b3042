"""The implicit leapfrog in numpy, solved to rounding; far from the centroids the metric is flat."""

import numpy as np
import torch
from scipy import stats

from tests.references.filled import values
from tests.references.posteriors.hamiltonian import _heats, _moments, _noise, _row, _slope
from tests.references.rows import PosteriorRow


def _split(o):
    return o[:, :3], np.exp(o[:, 3:6] / 2)


CENTRES = values(0, 2, 3)
FACTORS = np.tril(1.5 * values(1, 2, 3, 3))
T, REGULARISATION, SIZE, STEPS, BETA_ZERO = 2.0, 0.3, 0.01, 2, 0.8


def _set(module):
    with torch.no_grad():
        module.centres.copy_(torch.from_numpy(CENTRES))
        module.factors.copy_(torch.from_numpy(FACTORS))


def _inverse(z):
    total = REGULARISATION * np.eye(3)
    for c, factor in zip(CENTRES, FACTORS, strict=True):
        total = total + factor @ factor.T * np.exp(-((z - c) ** 2).sum() / T**2)
    return total


def _hamiltonian(z, rho):
    inverse = _inverse(z)
    return 0.5 * rho @ inverse @ rho - 0.5 * np.linalg.slogdet(inverse)[1]


def _rise(z, rho, h=1e-5):
    """Return dH/dz of the metric's part by central differences of fourth order."""
    steps = h * np.eye(3)
    return np.array(
        [
            (8 * (_hamiltonian(z + s, rho) - _hamiltonian(z - s, rho))
             - (_hamiltonian(z + 2 * s, rho) - _hamiltonian(z - 2 * s, rho))) / (12 * h)
            for s in steps
        ]
    )  # fmt: skip


def _curved(z, rho, n):
    def slope(z):
        return _slope(np.tile(z, (4, 1)))[n]

    heat = _heats(STEPS, BETA_ZERO)
    rho = heat[0] * rho
    for k in range(1, STEPS + 1):
        half, begin = rho, z
        for _ in range(40):
            half = rho + SIZE / 2 * (slope(begin) - _rise(begin, half))
        for _ in range(40):
            z = begin + SIZE / 2 * (_inverse(begin) + _inverse(z)) @ half
        rho = (half + SIZE / 2 * (slope(z) - _rise(z, half))) * heat[k] / heat[k - 1]
    return z, rho


def _density(z, o):
    mu, sigma = _split(o)
    first, second = _noise(z)
    out = np.empty(z.shape[:2])
    for s, n in np.ndindex(out.shape):
        start = mu[n] + sigma[n] * first[s, n]
        rho = np.linalg.solve(np.linalg.cholesky(_inverse(start)).T, second[s, n])
        end, last = _curved(start, rho, n)
        np.testing.assert_allclose(end, z[s, n], rtol=1e-6)
        out[s, n] = (
            stats.norm.logpdf(start, mu[n], sigma[n]).sum()
            + stats.multivariate_normal.logpdf(
                rho / np.sqrt(BETA_ZERO), cov=np.linalg.inv(_inverse(start)) / BETA_ZERO
            )
            - stats.multivariate_normal.logpdf(last, cov=np.linalg.inv(_inverse(end)))
            - 3 * np.log(np.sqrt(BETA_ZERO))
        )
    return out


def _near(z, rho):
    """Return the curved leapfrog of every example: nearly linear for steps so short."""
    ends = []
    for n in range(4):
        momentum = np.linalg.solve(np.linalg.cholesky(_inverse(z[n])).T, rho[n])
        ends.append(_curved(z[n], momentum, n)[0])
    return np.stack(ends), None


CURVED = (
    f"riemannian:steps={STEPS},step_size={SIZE},beta_zero={BETA_ZERO},centroids=2,"
    f"temperature={T},regularisation={REGULARISATION}"
)

ROWS = {
    # of the metric I / 0.25, whose momentum is noise / sqrt(0.25): a step of half the size
    "riemannian:steps=3,step_size=0.2,beta_zero=0.7,centroids=5,regularisation=0.25": _row(
        3, 0.1, 0.7, _split
    ),
    CURVED: PosteriorRow(log_density=_density, weights=_set, **_moments(_near, _split)),
}
