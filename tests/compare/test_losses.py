"""The question's losses, as likelihoods."""

import pytest

from nelbo.compare import losses


def test_the_five_of_mnist():
    assert [(loss.key, loss.likelihood) for loss in losses(784, unit_interval=True)] == [
        ("bernoulli_nll", "bernoulli"),
        ("mean_squared_error", "gaussian:variance=392,link=logit"),
        ("sum_squared_error", "gaussian:variance=0.5,link=logit"),
        ("learned_sigma", "gaussian:sigma=learned,link=logit"),
        ("continuous_bernoulli", "continuous_bernoulli"),
    ]


@pytest.mark.parametrize("features", [1, 3, 784, 150_528, 3_000_001, 12_345_679])
def test_the_averaged_loss_has_half_the_features_as_its_variance_exactly(features):
    averaged = losses(features, unit_interval=False)[1].build()
    assert averaged.variance == features / 2


@pytest.mark.parametrize(("unit_interval", "link"), [(True, "logit"), (False, "identity")])
def test_the_link_keeps_means_where_the_data_is(unit_interval, link):
    gaussians = [loss.build() for loss in losses(4, unit_interval)[1:4]]
    assert {likelihood.link for likelihood in gaussians} == {link}


def test_keys_are_names_of_folders():
    keys = [loss.key for loss in losses(4, unit_interval=True)]
    assert len(set(keys)) == 5
    assert all(key.isidentifier() for key in keys)
