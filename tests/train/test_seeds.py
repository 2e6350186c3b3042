"""One seed, one result, and the caller's generators untouched."""

import threading

import torch

import nelbo
from nelbo.data import Examples
from nelbo.train import Callback
from tests.train.running import TERMS, fit


def test_same_seed_same_weights_and_another_seed_others(make, x, same):
    a, b, c = (fit(make(), x, seed=seed).model.state_dict() for seed in (1, 1, 2))
    same(a, b)
    assert not torch.equal(a["encoder.1.weight"], c["encoder.1.weight"])


def test_a_folder_and_callbacks_change_nothing(tmp_path, make, x, same):
    class Draws(Callback):
        def on_step(self, epoch, examples, means):
            assert means().keys() == {*TERMS, "loss", "images_per_second"}

    plain = fit(make(), x, valid=x[:5])
    watched = fit(make(), x, valid=x[:5], out=tmp_path / "run", callbacks=[Draws()])
    unwatched = fit(make(), x)
    same(plain.model.state_dict(), watched.model.state_dict())
    same(plain.model.state_dict(), unwatched.model.state_dict())


def test_the_callers_generators_stay_as_they_were(make, x):
    import numpy as np

    model = make()
    before = torch.get_rng_state(), np.random.get_state()[1].tolist()
    run = fit(model, Examples(x, "dynamic_binarise"), valid=x[:5], patience=2)
    nelbo.evaluate(run.model, x, [nelbo.evaluate.ELBO()])
    run.model.sample(3, seed=1)
    after = torch.get_rng_state(), np.random.get_state()[1].tolist()
    assert torch.equal(before[0], after[0])
    assert before[1] == after[1]


def test_in_another_thread(make, x, same):
    found = []
    thread = threading.Thread(target=lambda: found.append(fit(make(), x)))
    thread.start()
    thread.join()
    same(found[0].model.state_dict(), fit(make(), x).model.state_dict())
