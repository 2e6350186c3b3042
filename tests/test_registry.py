"""Names, texts and records to components and back."""

import json
from keyword import iskeyword

import pytest
from hypothesis import given
from hypothesis import strategies as st

import nelbo
from nelbo import registry
from nelbo.errors import BadType, BadValue
from nelbo.networks import ConvMaps
from nelbo.objectives import ELBO, Constant, Linear

NAMES = st.from_regex(r"\A[a-z_][a-z0-9_]{0,8}\Z").filter(lambda n: not iskeyword(n))
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
)


def records(values):
    arguments = st.dictionaries(NAMES, values, max_size=3)
    return st.fixed_dictionaries({"name": NAMES, "arguments": arguments})


VALUES = st.recursive(
    LEAVES, lambda v: st.lists(v, max_size=3).map(tuple) | records(v), max_leaves=5
)


@given(records(VALUES))
def test_text_parses_back_to_the_record(record):
    assert registry.parse(registry.text(record)) == record


@given(st.text(), st.sampled_from(["", "gaussian:", "elbo:beta=", "elbo:beta=linear("]))
def test_any_text_parses_or_is_refused_by_its_own_error(text, start):
    try:
        record = registry.parse(start + text)
    except BadValue:
        return
    assert set(record) == {"name", "arguments"}


@pytest.mark.parametrize(
    "text",
    [
        "constant:0.5",  # no key
        "elbo:beta=constant(0.5)",  # no key inside: to drop it would train with beta = 1
        "elbo:**{'beta': 2}",
        "elbo:beta=1,beta=2",
        "elbo:beta=1)+(2",
        "elbo:beta=1)(gamma=2",
        "elbo:beta=",
        "elbo:beta=2*3",
        "elbo:beta=a.b",
    ],
)
def test_nothing_is_dropped_in_silence(text):
    with pytest.raises(BadValue, match=r"specification: expected NAME or NAME:key=value"):
        registry.parse(text)


def test_words_and_spaces():
    arguments = registry.parse(" mlp : hidden = (5,), a=TRUE, b=None, c='none', d=relu")[
        "arguments"
    ]
    assert arguments == {"hidden": (5,), "a": True, "b": None, "c": "none", "d": "relu"}


def test_text_keeps_every_digit_and_leaves_defaults_out():
    likelihood = nelbo.likelihoods.Gaussian(variance=0.123456789012)
    text = registry.text(registry.spec(likelihood))
    assert text == "gaussian:variance=0.123456789012"
    assert registry.text(registry.spec(nelbo.likelihoods.Gaussian(variance=392.0))) == (
        "gaussian:variance=392"
    )


def test_tuples_nest():
    network = registry.build("network", "conv_maps:levels=((1,2,2),(3,4,4)),channels=(8,)")
    assert network == ConvMaps(levels=((1, 2, 2), (3, 4, 4)), channels=(8,))
    record = json.loads(json.dumps(registry.spec(network)))
    assert registry.build("network", record) == network
    assert registry.text(record) == "conv_maps:levels=((1,2,2),(3,4,4)),channels=(8,)"
    assert registry.text(registry.spec(ConvMaps())) == "conv_maps"  # a default, nested or not


def test_components_nest():
    objective = registry.build("objective", "elbo:beta=linear(steps=100,end=4)")
    assert objective == ELBO(beta=Linear(steps=100, end=4))
    record = registry.spec(objective)
    assert record["arguments"]["beta"]["name"] == "linear"
    assert registry.text(record) == "elbo:beta=linear(steps=100,end=4)"


@pytest.mark.parametrize(
    ("axis", "text", "message"),
    [
        ("likelihood", "gausian", "likelihood: expected a known name, got 'gausian'. Did you mean"),
        ("likelihood", "gaussian:varience=1", "Did you mean 'variance'?"),
        ("likelihood", "bernoulli:sigma=1", "It takes none."),
        (
            "schedule",
            "linear",
            "schedule linear: expected a value for 'steps', got none. Write lin",
        ),
        ("objective", "elbo:beta=lineer(steps=3)", "Did you mean 'linear'?"),
        ("likelihood", "gaussian:variance=-1", "variance: expected a positive number, got -1"),
        ("likelihood", "gaussian:sigma=lerned", "Did you mean 'learned'?"),
    ],
)
def test_bad_values_lead_to_the_right_one(axis, text, message):
    with pytest.raises(BadValue) as caught:
        registry.build(axis, text)
    assert message in str(caught.value)


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(
    ("axis", "text"),
    [
        ("likelihood", "gaussian:variance=abc"),
        ("objective", "elbo:beta=abc"),
        ("schedule", "linear:steps=abc"),
    ],
)
def test_bad_types_are_nelbos_own_errors(axis, text):
    with pytest.raises(BadType, match="expected arguments of its types, got .*abc"):
        registry.build(axis, text)


def test_a_name_is_registered_once():
    with pytest.raises(BadValue, match="schedule 'constant': expected a new name"):
        registry.register("schedule", "constant")(Constant)


def test_an_unregistered_component_has_no_record():
    with pytest.raises(BadType, match="expected one of a registered class, got dict"):
        registry.spec({})


def test_names_are_sorted_and_an_unknown_axis_has_none():
    assert list(registry.names("schedule")) == sorted(registry.names("schedule"))
    assert registry.names("no such axis") == ()
