"""NaN is a missing entry: readers let it through, statistics leave it out, models decide."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from sklearn.datasets import load_diabetes

import nelbo
from nelbo.data import Examples, as_source, load
from nelbo.errors import BadValue


def diabetes():
    x = load_diabetes().data.astype(np.float32)
    x[np.random.default_rng(0).random(x.shape) < 0.2] = np.nan
    return x


def test_the_mean_is_of_what_is_observed():
    x = diabetes()
    assert_allclose(Examples(x).mean(), np.nanmean(x.astype(np.float64), 0), rtol=1e-6)
    batches = as_source([torch.from_numpy(part) for part in np.array_split(x, 7)])
    assert_allclose(batches.mean(), np.nanmean(x.astype(np.float64), 0), rtol=1e-6)


def test_a_feature_without_any_entry_has_no_mean():
    x = diabetes()
    x[:, 3] = np.nan
    with pytest.raises(BadValue, match="data, feature 3: expected at least one entry that is not"):
        Examples(x).mean()
    with pytest.raises(BadValue, match=r"data, feature \(0, 1\)"):
        Examples(x[:, 2:6].reshape(-1, 2, 2)).mean()


@pytest.mark.parametrize("ending", ["csv", "npy", "parquet"])
def test_every_reader_lets_it_through(tmp_path, ending):
    x, path = diabetes(), tmp_path / f"x.{ending}"
    if ending == "npy":
        np.save(path, x)
    elif ending == "csv":
        rows = [",".join("" if np.isnan(v) else repr(float(v)) for v in row) for row in x]
        path.write_text("\n".join(rows))
    else:
        pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
        columns = {f"c{i}": pa.array(x[:, i].tolist(), from_pandas=True) for i in range(10)}
        pq.write_table(pa.table(columns), path)
    data = load(path)
    both = torch.cat((data.train[:], data.test[:]))
    assert both.isnan().sum() == np.isnan(x).sum()
    assert_allclose(both.nansum(0), np.nansum(x.astype(np.float64), 0), atol=1e-5)


def test_a_model_that_takes_no_gaps_says_what_does():
    x = diabetes()
    model = nelbo.VAE(data_shape=10, latent=2, likelihood=nelbo.likelihoods.Gaussian())
    with pytest.raises(BadValue) as error:
        nelbo.fit(model, x, epochs=1)
    share = 100 * np.isnan(x).mean()
    assert f"data: expected finite values, got NaN in {share:.3g} % of" in str(error.value)
    assert "missing=True" in str(error.value)
    assert "--missing" in str(error.value)
