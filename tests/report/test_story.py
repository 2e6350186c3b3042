"""The sentences are true in every case: they are held against the numbers they were made from."""

import string

import pytest

from nelbo.errors import BadValue
from nelbo.report import fixes, story
from nelbo.report.words import FOLDER, Words, strings

from .build import CASES, averaged, comparison, continuous, of_shape, row, summed


def answer(case: str, lang: str = "en") -> str:
    c = CASES[case]
    return story.answer(c, Words(lang, c))


def reasons(case: str) -> str:
    c = CASES[case]
    return " ".join(story.reasons(c, Words("en", c)))


def advice(case: str) -> str:
    c = CASES[case]
    return " ".join(story.advice(c, Words("en", c)))


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_both_languages_have_the_same_keys_and_placeholders():
    english, others = strings("en"), [path.stem for path in FOLDER.glob("*.json")]
    assert set(others) == {"en", "zh"}
    for lang in others:
        assert set(strings(lang)) == set(english)
        for key, text in strings(lang).items():
            assert placeholders(text) == placeholders(english[key]), (lang, key)


def test_unknown_language():
    with pytest.raises(BadValue, match="lang: expected a language, got 'zz'"):
        Words("zz", comparison())


def test_the_answer_is_the_one_of_the_question():
    assert answer("collapse") == (
        "With `F.mean_squared_error` all 10,000 reconstructions are the same image: that loss "
        "believes in noise of variance 392, and nothing in MNIST varies by more than 5.12."
    )
    found = reasons("collapse")
    assert "76.6 times" in found
    assert "sums the same error instead: variance 0.5" in found
    assert "17.5, against 52.8" in found


def test_several_collapse():
    assert answer("several collapse").startswith("With `F.mean_squared_error` and `mine` all")
    assert "noise of variance 392 and 9, and nothing in MNIST" in answer("several collapse")


def test_nothing_collapses():
    assert answer("no collapse").startswith("Every loss learns MNIST: even the smallest margin, 10")
    assert reasons("no collapse") == ""
    assert "Nothing to mend" in advice("no collapse")


def test_averaged_error_that_learns_is_not_blamed():
    assert "even the averaged error learns here" in reasons("averaged learns")
    assert "ignoring the input" not in reasons("averaged learns")


def test_learning_against_the_forecast_is_admitted():
    assert "even where collapse was forecast: `F.bernoulli_nll`, margin 0.700" in answer("despite")


def test_a_marginal_forecast_promised_neither():
    learned = answer("marginal learns")
    assert "`F.bernoulli_nll`, whose margin of 0.900 was too close to 1" in learned
    assert "lies above 1" not in learned
    assert "its margin of 1.10 lies so little above 1" in answer("marginal")
    assert "more epochs may be all" in reasons("marginal")
    assert "not the cause" not in advice("marginal")


def test_collapse_without_a_variance_is_explained_by_the_margin():
    assert "its margin of 0.700 lies below 1" in answer("margin")
    assert "noise of variance" not in answer("margin")
    assert "lower β" in advice("margin")


def test_collapse_with_a_good_margin_is_not_blamed_on_the_scale():
    assert "although its margin of 1,459 leaves room to learn" in answer("unexplained")
    assert "Look at the training instead" in reasons("unexplained")
    assert "not the cause" in advice("unexplained")
    assert "more epochs may be all" in reasons("slow")


def test_each_collapse_gets_its_own_reason():
    assert "`F.mean_squared_error`" in answer("mixed")
    assert "`continuous_bernoulli`" not in answer("mixed")
    assert "With `continuous_bernoulli` all 10,000 reconstructions" in reasons("mixed")


def test_a_variance_below_the_spectrum_is_no_explanation():
    c = comparison((row("mine", variance=1.0, margin=5.1, verdict="collapses"),))
    assert "leaves room to learn" in story.answer(c, Words("en", c))


def test_all_refused():
    assert "No loss was trained" in answer("all refused")


def test_nouns_follow_the_data():
    assert "the same example" in answer("vector")
    assert "同一个样本" in answer("vector", "zh")
    assert "同一张图像" in answer("rgb", "zh")
    assert "over the values" in advice("rgb")
    assert "over the pixels" in advice("collapse")


def test_outputs_that_differ_a_little_are_nearly_the_same():
    estimate = averaged().estimates["output_deviation"]
    loose = dict(averaged().estimates)
    loose["output_deviation"] = type(estimate)("output_deviation", 0.02, "units", 0.0, 10_000)
    c = comparison((averaged(estimates=loose), summed()))
    assert "nearly the same image" in story.answer(c, Words("en", c))


def test_notes_say_which_bounds_compare():
    c = CASES["collapse"]
    notes = " ".join(story.notes(c, Words("en", c)))
    assert "`F.bernoulli_nll` on grey values is no likelihood" in notes
    assert "A density can exceed 1" in notes
    assert "same small print" in notes
    binary = comparison(originals=c.originals.round())
    assert "no likelihood" not in " ".join(story.notes(binary, Words("en", binary)))
    alike = comparison((averaged(), summed()))
    assert "small print" not in " ".join(story.notes(alike, Words("en", alike)))
    assert "A density" in " ".join(story.notes(comparison((continuous(),)), Words("en", alike)))


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_every_case_has_whole_sentences(case: str, lang: str):
    c = CASES[case]
    words = Words(lang, c)
    texts = [story.answer(c, words), *story.reasons(c, words), *story.advice(c, words)]
    for text in (*texts, *story.notes(c, words)):
        assert text.rstrip("`")[-1] in ".。"
        assert "{" not in text
        assert "nan" not in text


def test_fix_for_pytorch_is_the_gaussian_loss_up_to_its_constant():
    import torch
    from torch.distributions import Normal, kl_divergence

    x, y = torch.rand(4, 1, 8, 8), torch.rand(4, 1, 8, 8)
    mu, logvar, variance = torch.randn(4, 3), torch.randn(4, 3), 0.3
    c = comparison()
    code = next(f.code for f in fixes.fixes(c, Words("en", c)) if f.framework == "PyTorch")
    scope = {"x": x, "y": y, "mu": mu, "logvar": logvar, "variance": variance, "torch": torch}
    exec(code, scope)
    nats = -Normal(y, variance**0.5).log_prob(x).flatten(1).sum(1)
    constant = 0.5 * 64 * torch.log(torch.tensor(2 * torch.pi * variance))
    kl = kl_divergence(Normal(mu, (0.5 * logvar).exp()), Normal(0.0, 1.0)).sum(1)
    torch.testing.assert_close(scope["loss"], (nats + kl).mean() - constant)


def test_fix_for_keras_has_the_axes_of_the_data():
    c = of_shape(12)
    found = {f.framework: f.code for f in fixes.fixes(c, Words("en", c))}
    assert "axis=1) / (2 * variance)" in found["Keras"]
    assert all(code.count("\n") == 2 for code in found.values())
