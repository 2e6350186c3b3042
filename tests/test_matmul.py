"""The faster matrix product: chosen by measuring, exact, remembered, and put back."""

import json

import pytest
import torch

from nelbo import matmul
from nelbo.matmul import DEFAULT, ONEDNN, fast_matmul

SWITCH = getattr(torch.backends.mkldnn, "matmul", None)
has_switch = pytest.mark.skipif(
    not hasattr(SWITCH, "fp32_precision") or not torch.backends.mkldnn.is_available(),
    reason="this PyTorch has no switch",
)


@pytest.fixture
def fresh(monkeypatch, tmp_path):
    """A machine on which nothing was measured yet."""
    monkeypatch.setenv("NELBO_CACHE", str(tmp_path / "cache"))
    remembering = (matmul._chosen, matmul.bf16_is_faster, matmul.is_exact)
    for function in remembering:
        function.cache_clear()
    yield tmp_path / "cache" / "matmul.json"
    for function in remembering:
        function.cache_clear()


@has_switch
def test_it_is_as_exact_as_single_precision_or_not_used():
    a, b = torch.randn(100, 784), torch.randn(784, 500)
    true = a.double() @ b.double()
    with fast_matmul():
        error = (a @ b - true).norm() / true.norm()
    assert error < 1e-6


@has_switch
@pytest.mark.parametrize("kernel", [DEFAULT, ONEDNN])
def test_the_switch_is_put_back_whatever_happens(kernel, monkeypatch):
    monkeypatch.setattr(matmul, "is_exact", lambda: True)
    before, seen = SWITCH.fp32_precision, []

    def work():
        with fast_matmul(kernel) as name:
            seen.append((name, SWITCH.fp32_precision != before))
            raise KeyError

    with pytest.raises(KeyError):
        work()
    assert seen == [(kernel, kernel == ONEDNN)]
    assert SWITCH.fp32_precision == before


@has_switch
def test_a_switch_that_the_user_set_stays(fresh):
    before = SWITCH.fp32_precision
    SWITCH.fp32_precision = "bf16"
    try:
        assert matmul.chosen(1) == DEFAULT
        with fast_matmul(ONEDNN):
            pass
        assert SWITCH.fp32_precision == "bf16"
    finally:
        SWITCH.fp32_precision = before


@has_switch
def test_a_run_that_moves_to_a_less_exact_machine_does_without(fresh, monkeypatch):
    monkeypatch.setattr(matmul, "EXACT", 1e-12)
    before = SWITCH.fp32_precision
    with fast_matmul(ONEDNN):
        assert SWITCH.fp32_precision == before


@has_switch
def test_within_a_block_the_choice_of_all_others_is_not_made(fresh, monkeypatch):
    monkeypatch.setattr(matmul, "is_exact", lambda: True)
    monkeypatch.setattr(matmul, "speedup", lambda: 2.0)
    with fast_matmul(ONEDNN), fast_matmul():
        pass
    assert matmul.chosen(1) == ONEDNN


@has_switch
@pytest.mark.parametrize(("speedup", "expected"), [(1.3, ONEDNN), (1.01, DEFAULT), (0.0, DEFAULT)])
def test_it_is_used_where_it_is_clearly_faster(fresh, monkeypatch, speedup, expected):
    monkeypatch.setattr(matmul, "speedup", lambda: speedup)
    assert matmul.chosen(1) == expected


@has_switch
def test_a_kernel_that_is_less_exact_is_never_faster(fresh, monkeypatch):
    monkeypatch.setattr(matmul, "EXACT", 1e-12)
    assert matmul.speedup() == 0.0


@has_switch
def test_a_choice_is_remembered(fresh, monkeypatch):
    first = matmul.chosen(1)
    assert list(json.loads(fresh.read_text()).values()) == [first]
    matmul._chosen.cache_clear()
    monkeypatch.setattr(matmul, "speedup", lambda: pytest.fail("measured again"))
    assert matmul.chosen(1) == first


@has_switch
def test_what_others_remembered_meanwhile_is_kept(fresh, monkeypatch):
    def speedup():
        fresh.parent.mkdir(exist_ok=True)
        fresh.write_text('{"another": "default"}')
        return 2.0

    monkeypatch.setattr(matmul, "speedup", speedup)
    matmul.chosen(1)
    assert sorted(json.loads(fresh.read_text()).values()) == [DEFAULT, ONEDNN]


@has_switch
@pytest.mark.parametrize("damage", ["", "{", "[1]", '{"a": 1}'])
def test_a_damaged_memory_is_measured_anew(fresh, monkeypatch, damage):
    fresh.parent.mkdir()
    fresh.write_text(damage)
    monkeypatch.setattr(matmul, "speedup", lambda: 2.0)
    assert matmul.chosen(1) == ONEDNN
    assert ONEDNN in json.loads(fresh.read_text()).values()


@has_switch
def test_a_memory_that_cannot_be_written_does_not_matter(fresh, monkeypatch):
    fresh.parent.write_text("a file where the folder should be")
    monkeypatch.setattr(matmul, "speedup", lambda: 2.0)
    assert matmul.chosen(1) == ONEDNN
