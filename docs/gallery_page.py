"""The gallery's page: every patient's symptom, code, first finding and fix."""

from __future__ import annotations

import re
import textwrap

PROPER = {"kl": "KL", "relus": "ReLUs", "nan": "NaN", "bernoulli": "Bernoulli"}
GROUPS = {
    "The two terms do not fit together": [
        "pixels_averaged",
        "cross_entropy_averaged",
        "everything_averaged",
        "kl_batch_summed",
        "kl_latents_averaged",
        "beta_too_large",
        "kl_weight_of_nearly_nothing",
        "prior_hole",
        "warmup_unfinished",
    ],
    "The KL is not the KL": [
        "kl_flipped",
        "kl_missing",
        "logvar_read_as_std",
        "exp_forgotten",
        "sampled_with_variance",
        "noise_of_one_percent",
    ],
    "Data and outputs do not fit together": [
        "sigmoid_twice",
        "bytes_under_bernoulli",
        "standardised_under_bernoulli",
        "tanh_for_unit_data",
        "sigmoid_for_signed_data",
        "grey_under_bernoulli",
    ],
    "The networks do not learn, or go past z": [
        "no_gradient_through_sample",
        "encoder_not_optimised",
        "dead_relus",
        "learning_rate_nan",
        "decoder_sees_x",
        "autoregressive_ignores_z",
    ],
}


def title(name):
    words = name.replace("_", " ").capitalize().split()
    return " ".join(PROPER.get(word.lower(), word) for word in words)


def number(value):
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def paragraphs(doc):
    return [" ".join(part.split()) for part in doc.strip().split("\n\n")]


def code(text, language="python"):
    return f"```{language}\n{text}\n```"


def said(found):
    lines = textwrap.wrap(str(found), 96)
    lines += [f"    {name}: {number(value)}" for name, value in found.evidence.items()]
    return code("\n".join(lines), "text")


def fix(module):
    if " = " in module.FIX or module.FIX.startswith(("return ", "def ")):
        return f"The fix:\n\n{code(module.FIX)}"
    return f"The fix: {module.FIX}"


def linked(source):
    """Turn "github.com/owner/name, issue 3" into a link to the thread."""
    for kind, folder in (("issue", "issues"), ("pull request", "pull")):
        pattern = rf"github\.com/([\w.-]+/[\w.-]+), {kind} (\d+)"
        source = re.sub(pattern, rf"[\1, {kind} \2](https://github.com/\1/{folder}/\2)", source)
    return source


def section(name, module, first):
    summary, *story, source = paragraphs(module.__doc__)
    parts = [
        f"### {title(name)}",
        f"> {module.SYMPTOM}",
        summary,
        code(module.WRONG),
        *story,
        "The doctor's first finding:",
        said(first),
        fix(module),
    ]
    if hasattr(module, "fixed"):
        parts.append("With the fix the doctor has nothing to say against the same model.")
    parts.append(f"{linked(source)} Code: [{name}.py](../tests/gallery/broken/{name}.py).")
    return "\n\n".join(parts)


def row(name, module, first):
    return f"| [{title(name)}](#{name.replace('_', '-')}) | {module.SYMPTOM} | `{first.code}` |"


def page(broken, healthy, firsts):
    rows = [row(name, broken[name], firsts[name]) for names in GROUPS.values() for name in names]
    sections = []
    for heading, names in GROUPS.items():
        sections += [f"## {heading}", ""]
        for name in names:
            sections += [section(name, broken[name], firsts[name]), ""]
    wells = [
        f"| [{title(name)}](../tests/gallery/healthy/{name}.py) | {paragraphs(module.__doc__)[0]} |"
        for name, module in healthy.items()
    ]
    return "\n".join(
        [
            "<!-- Written by docs/make_gallery.py from real runs. Do not edit. -->",
            "",
            "# The gallery of broken VAEs",
            "",
            f"{len(broken)} small VAEs with one mistake each, written as people write them, and "
            f"{len(healthy)} healthy ones. Every one is a file in `tests/gallery` that trains on "
            "real data in a second or two. The tests hold the doctor to this: the true cause is "
            "its first finding every time, and no healthy model gets an error or a warning.",
            "",
            "![What every patient reconstructs and samples](gallery.png)",
            "",
            "Find your symptom:",
            "",
            "| patient | what people say | the doctor's first finding |",
            "|---|---|---|",
            *rows,
            "",
            *sections,
            "## The healthy ones",
            "",
            "About these the doctor has no error and no warning, though some look like mistakes.",
            "",
            "| patient | what it is |",
            "|---|---|",
            *wells,
            "",
        ]
    )
