"""The page of what nelbo has and what goes with what: python docs/make_catalogue.py.

Writes catalogue.md from catalogue.py, the registry, and what combinations.py finds by trying.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from pathlib import Path

from catalogue import MODELS, SAMPLERS, Sampler
from combinations import CLASSES, SHAPES, homes, measure, names, refusal
from spelling import call, command, python, recorded

from nelbo import registry
from nelbo.errors import NelboError

PAGE = Path(__file__).parent / "catalogue.md"
AXES = {
    "likelihood": "Likelihoods p(x|z)",
    "posterior": "Posteriors q(z|x)",
    "prior": "Priors p(z)",
    "objective": "Objectives",
    "network": "Networks",
    "schedule": "Schedules of an objective's numbers",
    "transform": "Transforms of the data",
}
HEAD = """# What nelbo has, and what goes with what

Written by `docs/make_catalogue.py`. Every model and every sampler of the first two tables is built,
trained, sampled from, saved and diagnosed by `tests/test_catalogue.py`, as it is spelled here.

A model is five choices: network, likelihood, posterior, prior, objective. Each has a name, and
numbers if you like: `--posterior iaf:layers=4`. Left out, they are `mlp`, `bernoulli`, `diagonal`,
`standard` and `elbo`.

- [Pythae's models](#pythaes-models)
- [Pythae's samplers](#pythaes-samplers)
- [What goes together](#what-goes-together)
- [All components](#all-components)
"""
MODELS_HEAD = """## Pythae's models

Each on the command line, and in Python (`from nelbo import VAE, fit`; the classes are in
`nelbo.posteriors`, `.priors`, `.objectives`). In Pythae the likelihood is an argument of every
model: `reconstruction_loss="mse"` is `--likelihood gaussian:variance=1.0`, `"bce"` is `bernoulli`;
for grey values there is `continuous_bernoulli`. Here any other may stand in any row.
"""
SAMPLERS_HEAD = """## Pythae's samplers

What samples is the prior. One that is learned with the model needs nothing more than
`model.sample(100)`; another is fitted afterwards, to the latents of a trained model, which gives a
new model with a better bound: `better = nelbo.fit_prior(model, data, prior)`, `better.sample(100)`.
"""


def sampler_lines(sampler: Sampler) -> str:
    """Return the Python that samples as a sampler of the table does."""
    if sampler.fitted:
        trained = "" if sampler.posterior == "diagonal" else f", model of `{sampler.posterior}`"
        return f"`fit_prior(model, data, {call('prior', sampler.fitted)})`{trained}"
    if sampler.prior:
        chosen = {"posterior": sampler.posterior, "prior": sampler.prior}
        usual = {"posterior": "diagonal", "prior": "standard"}
        parts = [f", {a}={call(a, t)}" for a, t in chosen.items() if t != usual[a]]
        return f"`VAE(...{''.join(parts)}).sample(100)`"
    return "`model.decode(model.posterior.volume.sample((1, 100))).mean[0]`"


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Return a table in Markdown."""
    head = list(head)
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell for cell in line) + " |" for line in lines)


def models() -> str:
    """Return the section of the models."""
    rows = [
        [
            f"**{m.name}**<br>{m.paper}",
            f"`{command(m)}`<br>`{python(m)}`",
            m.remark,
        ]
        for m in MODELS
    ]
    return f"{MODELS_HEAD}\n{table(['Pythae', 'nelbo', 'Where they differ'], rows)}\n"


def samplers() -> str:
    """Return the section of the samplers."""
    rows = [[f"**{s.name}**", sampler_lines(s), s.remark] for s in SAMPLERS]
    return f"{SAMPLERS_HEAD}\n{table(['Pythae', 'nelbo', 'Where they differ'], rows)}\n"


def components() -> str:
    """Return the section of all components, from the registry."""
    parts = ["## All components\n"]
    for axis, title in AXES.items():
        rows = [
            [f"`{name}`", _signature(kind), _sentence(kind)]
            for name in registry.names(axis)
            for kind in [registry.component(axis, name)]
        ]
        parts.append(f"### {title}\n\n{table(['name', 'arguments', 'what it is'], rows)}\n")
    return "\n".join(parts)


def _sentence(kind: type) -> str:
    text = " ".join((inspect.getdoc(kind) or "").split("\n\n")[0].split())
    return text.replace("|", "\\|")


def _signature(kind: type) -> str:
    said = [_argument(kind, name, p) for name, p in registry.parameters(kind).items()]
    return " ".join(f"`{argument}`" for argument in said)


def _argument(kind: type, name: str, parameter: inspect.Parameter) -> str:
    if parameter.default is parameter.empty:
        return name
    value = recorded(parameter.default)
    record = {"name": kind.__name__, "arguments": {name: value}}
    return registry.text(record).partition(":")[2]


def listed(found: Iterable[str]) -> str:
    """Return names as code, in their order."""
    return ", ".join(f"`{name}`" for name in found)


def together() -> str:
    """Return the section of what goes together, found by trying."""
    return "\n".join((TOGETHER, spaces(), objectives(), others()))


TOGETHER = f"""## What goes together

Found by trying: a model was built of each pair, and what `nelbo.fit` does before its first step was
done. What does not go together is refused there, with a message that names what would.
`conditional` and `m2` need a model with covariates (`nelbo.data.beside(x, y)`) and were tried
with {CLASSES}.
"""


def spaces() -> str:
    """Return what posteriors go with what priors."""
    found: dict[str, list[str]] = {}
    for name in names("posterior"):
        found.setdefault(measure("posterior", name), []).append(name)
    rows, exceptions = [], []
    for space, posteriors in sorted(found.items(), key=lambda item: -len(item[1])):
        priors = [p for p in names("prior") if measure("prior", p) == space]
        rows.append([space, listed(posteriors), listed(priors)])
        pairs = [(q, p, refusal(posterior=q, prior=p)) for q in posteriors for p in priors]
        exceptions += grouped(pairs)
    others = [(q, p) for q in names("posterior") for p in names("prior")]
    for q, p in others:
        apart = measure("posterior", q) != measure("prior", p)
        assert not apart or refusal(posterior=q, prior=p) is not None, (q, p)
    return f"""### Posteriors and priors

Any of a row go together: their densities are of the same space. Between two rows there is no KL,
and all pairs are refused.

{table(["the latents have a", "posteriors", "priors"], rows)}

But for:

{table(["posterior", "refused with", "which expects"], exceptions)}
"""


def grouped(pairs: Iterable[tuple[str, str, NelboError | None]]) -> list[list[str]]:
    """Return what is refused, as rows: all that is refused with the same, for the same reason."""
    pairs = list(pairs)
    tried = {first: [b for a, b, _ in pairs if a == first] for first, _, _ in pairs}
    refused: dict[tuple[str, str], list[str]] = {}
    for first, second, error in pairs:
        if error is not None:
            refused.setdefault((first, said(error)), []).append(second)
    rows: dict[tuple[str, ...], list[str]] = {}
    for (first, why), seconds in refused.items():
        rows.setdefault((*seconds, why), []).append(first)
    return [
        [listed(firsts), _most(key[:-1], tried[firsts[0]]), key[-1]] for key, firsts in rows.items()
    ]


def _most(some: Iterable[str], every: Iterable[str]) -> str:
    """Return names as a list, or as all but the few that are left out."""
    some = list(some)
    rest = [name for name in every if name not in some]
    return f"all but {listed(rest)}" if 0 < len(rest) < len(some) / 2 else listed(some)


def said(error: NelboError) -> str:
    """Return what an error says was expected, and what to do, short enough for a table."""
    return f"{error.expected}. {error.fix}".replace("|", "\\|")


def objectives() -> str:
    """Return what objectives go with what posteriors, and with what priors."""
    at_home = {q: homes(q) for q in names("posterior")}
    found = {
        (o, q, p): refusal(posterior=q, prior=p, objective=o)
        for q, priors in at_home.items()
        for p in priors
        for o in names("objective")
    }
    usual = {(o, q): found[o, q, at_home[q][0]] for o in names("objective") for q in at_home}
    rows = grouped((o, q, error) for (o, q), error in usual.items())
    other = [(o, q, p) for o, q, p in found if p != at_home[q][0] and usual[o, q] is None]
    more = grouped((f"{o}` with `{q}", p, found[o, q, p]) for o, q, p in other)
    return f"""### Objectives

Every objective goes with every posterior (tried with the prior `standard`, or the posterior's own),
but for:

{table(["objective", "refused with", "which expects"], rows)}

With another prior than `standard`, these too are refused:

{table(["objective", "refused with", "which expects"], more)}
"""


def others() -> str:
    """Return what likelihoods and networks do not go with."""
    rows = []
    for axis in ("likelihood", "network"):
        shapes = {name: SHAPES for name in names(axis)}
        shapes["columns"] = {"a row": SHAPES["a row"]}
        rows += grouped(
            (name, what, refusal(shape, **{axis: name}))
            for name in names(axis)
            for what, shape in shapes[name].items()
        )
    for name in names("likelihood"):
        with_others = [("objective", o, refusal(objective=o)) for o in names("objective")]
        with_others += [("network", n, None) for n in names("network")]
        rows += grouped(
            (name, other, refusal(likelihood=name, **{axis: other}))
            for axis, other, before in with_others
            if before is None
        )
        rows += grouped(
            (name, q, refusal(likelihood=name, posterior=q, prior=homes(q)[0]))
            for q in names("posterior")
        )
    return f"""### Likelihoods and networks

They go with everything, as long as the data has their form ({_forms()}):

{table(["", "refused with", "which expects"], rows)}

`columns` takes rows, and with it only what takes rows. `modules` takes any two of your own modules.
"""


def _forms() -> str:
    return ", ".join(f"{what} is {list(shape)}" for what, shape in SHAPES.items())


def main() -> None:
    """Write the page."""
    PAGE.write_text("\n".join((HEAD, models(), samplers(), together(), components())))


if __name__ == "__main__":
    main()
