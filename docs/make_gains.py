"""The page of what the axes are worth, from what was measured: python docs/make_gains.py.

Reads benchmarks/results/{gains,gains-maps,bits,counts}.json, as far as they are there, writes
gains.md and gains.png; measures nothing.
"""

from __future__ import annotations

from make_speed import BAR, DOCS, INK, OURS, QUIET, RESULTS, plt, read, table

PLAIN = "plain"
# test log p(x), nats: the plain VAE and the other, and what differs from ours
PUBLISHED = {
    "prior vamp:components=500": (
        "VampPrior, same network and latents, 5,000 samples",
        "-84.45 → -82.43",
        "+2.02",
        "trained until validation stopped it, hundreds of epochs, with KL warm-up",
    ),
    "objective iwae:samples=5": (
        "IWAE with k = 5 (Burda et al. 2015), 5,000 samples",
        "-86.76 → -85.54",
        "+1.22",
        "tanh 200-200, 50 latents, 3,280 epochs, falling step size",
    ),
    "prior top_down, posterior residual_top_down": (
        "two stochastic layers, 100 and 50 (Burda et al. 2015)",
        "-86.76 → -85.33",
        "+1.43",
        "bottom-up posterior, tanh 200-200 and 100-100, 3,280 epochs",
    ),
    "prior top_down, posterior ladder": (
        "ladder VAE of five levels (Sonderby et al. 2016)",
        "→ -81.74",
        "",
        "a network several times as large, warm-up, batch normalisation, 2,000 epochs",
    ),
    "posterior iaf": (
        "IAF (Kingma et al. 2016)",
        "→ -79.10",
        "",
        "a deep ResNet in place of 300-300",
    ),
}


def found(name):
    """Return a result, None where there is none yet."""
    return read(name) if (RESULTS / f"{name}.json").exists() else None


def pm(estimate, digits=2, sign=""):
    """Return a number with its standard error."""
    value, error = estimate["value"], estimate["standard_error"]
    return f"{value:{sign}.{digits}f} ± {error:.{digits}f}"


def dots(axis, rows, zero, title, unit, colours):
    """Draw (name, estimate) as dots, with lines of two standard errors to either side."""
    for i, ((_, estimate), colour) in enumerate(zip(rows, colours, strict=True)):
        value, error = estimate["value"], 2 * estimate["standard_error"]
        axis.plot([zero, value], [i, i], color=BAR, linewidth=1.2, zorder=1)
        axis.plot([value - error, value + error], [i, i], color=colour, linewidth=3.2)
        axis.plot(value, i, "o", color=colour, markersize=6)
    axis.set_yticks(range(len(rows)), [row[0] for row in rows], fontsize=9, color=INK)
    axis.set_ylim(-0.7, len(rows) - 0.3)
    axis.axvline(zero, color=QUIET, linewidth=0.8, zorder=0)
    axis.set_title(title, loc="left", fontsize=10.5, color=INK, weight="bold")
    axis.set_xlabel(unit, fontsize=9, color=QUIET, loc="left")
    axis.tick_params(length=0, colors=QUIET, labelsize=9)
    axis.tick_params(axis="y", colors=INK)
    axis.spines[:].set_visible(False)


def panels(gains, bits):
    """Return what `dots` draws, one entry a panel."""
    drawn = []
    if gains:
        rows = [(name, row["bound_gain"]) for name, row in gains["contestants"].items()]
        rows = sorted((row for row in rows if row[0] != PLAIN), key=lambda row: row[1]["value"])
        title = f"MNIST, {gains['epochs']} epochs: gain in log p(x) over the plain VAE"
        unit = "nats per image; lines: two standard errors, paired by image"
        drawn.append((rows, 0.0, title, unit, [OURS] * len(rows)))
    if bits:
        rows = sorted(bits["likelihoods"], key=lambda row: -row["bits_per_dimension"]["value"])
        colours = [QUIET if row["is_density"] else OURS for row in rows]
        rows = [(row["likelihood"], row["bits_per_dimension"]) for row in rows]
        title = f"Fashion-MNIST, {bits['epochs']} epochs: bits per dimension, fewer are better"
        unit = "blue: masses on bytes; grey: densities of dequantised bytes, at most so many bits"
        drawn.append((rows, rows[-1][1]["value"], title, unit, colours))
    return [panel for panel in drawn if panel[0]]


def picture(drawn):
    heights = [len(panel[0]) + 1 for panel in drawn]
    figure, axes = plt.subplots(
        len(drawn), 1, figsize=(9, 0.36 * sum(heights) + 0.8 * len(drawn)),
        gridspec_kw={"height_ratios": heights}, squeeze=False,
    )  # fmt: skip
    for axis, panel in zip(axes[:, 0], drawn, strict=True):
        dots(axis, *panel)
    figure.tight_layout(h_pad=1.8)
    figure.savefig(DOCS / "gains.png", dpi=160)


def gains_table(gains):
    plain = gains["contestants"][PLAIN]
    head = [
        "",
        "log p(x), nats, at least",
        "gain",
        "ELBO",
        "KL",
        "active",
        "parameters",
        "processor time of a step",
    ]
    rows = [
        [
            name if name == PLAIN else f"`{name}`",
            pm(row["bound"]),
            "" if name == PLAIN else pm(row["bound_gain"], sign="+"),
            pm(row["elbo"]),
            f"{row['kl']:.1f}",
            f"{row['active_units']:.0f}",
            f"{row['parameters'] / 1e6:.2f} M",
            f"× {row['cpu_ms_a_step'] / plain['cpu_ms_a_step']:.1f}",
        ]
        for name, row in gains["contestants"].items()
    ]
    return table(head, rows)


def gains_section(gains):
    plain = gains["contestants"][PLAIN]
    published = [
        [f"`{name}`", *PUBLISHED[name][:3], pm(row["bound_gain"], sign="+"), PUBLISHED[name][3]]
        for name, row in gains["contestants"].items()
        if name in PUBLISHED
    ]
    seeds = len(plain["seeds"])
    which = "one training seed each" if seeds == 1 else f"means over {seeds} training seeds"
    images = plain["bound"]["examples"]
    return f"""## Priors, posteriors, objectives: MNIST

Network {gains["network"]}; {gains["epochs"]} epochs, {which}. In the first {gains["warm_up"]} beta
rises from 0 to 1, but for `elbo` and `iwae`, which are objectives of their own. Training images are
binarised anew at every use, the test images once. log p(x): the importance bound of
{gains["samples"]} samples, on {images:,} test images, spread evenly over the 10,000; the ELBO on
the same. KL and active units are of all 10,000. ± is one standard error over images, for gains of
the differences image by image. It says nothing of other training seeds, which moved a run by 0.2
nats in `precision.json`.

{gains_table(gains)}

The levels of `top_down` are {" and ".join(map(str, gains["levels"]))} latents. Processor time: of
one thread, training, as a multiple of the plain VAE's. A gain that costs twice the time has to be
compared with what the plain VAE gains from twice the epochs.

What was published, in nats of test log p(x) on dynamically binarised MNIST:

{table(["", "published", "plain → this", "gain", "ours", "what differs from ours"], published)}

After {gains["epochs"]} epochs nothing has converged: levels are lower than the published ones
throughout, and a gain shows also how fast a method learns, not only where it ends.
"""


def maps_section(gains):
    levels = " and ".join(" × ".join(map(str, level)) for level in gains["levels"])
    return f"""## A hierarchy of maps: MNIST

Network {gains["network"]}; {gains["epochs"]} epochs, of which the
first {gains["warm_up"]} are warm-up. Latents are maps of {levels}: those of the plain VAE
independent, those of the other a hierarchy as in NVAE, on the same convolutions. All else as above.

{gains_table(gains)}
"""


def bits_section(bits):
    first = bits["above"]
    head = ["", "kind", "bits per dimension", f"above `{first}`", "by the ELBO", "parameters"]
    rows = [
        [
            f"`{row['likelihood']}`",
            "density, at most" if row["is_density"] else "mass",
            pm(row["bits_per_dimension"], 3),
            "" if row["likelihood"] == first else pm(row["above"], 3, "+"),
            pm(row["elbo_bits_per_dimension"], 3),
            f"{row['parameters'] / 1e6:.2f} M",
        ]
        for row in sorted(bits["likelihoods"], key=lambda row: row["bits_per_dimension"]["value"])
    ]
    examples = bits["likelihoods"][0]["bits_per_dimension"]["examples"]
    return f"""## Likelihoods of bytes: Fashion-MNIST

Network {bits["network"]};
{bits["training_images"]:,} training images, {bits["epochs"]} epochs, seed {bits["seed"]};
{examples} test images, {bits["samples"]} importance samples. Bits of the bytes
themselves, fewer are better; ± one standard error over images, for differences paired.

{table(head, rows)}

A density of y = (x + u) / 256 codes the bytes in at most -(log p(y) - D log 256) / (D log 2) bits
(Theis et al. 2016). Without the D log 256 it would seem 8 bits better than it is. A scale that is
learned starts at the spread of the data and moves by the step size: the one of `gaussian` and of
`logistic`, for all pixels, has not arrived in so few steps. Nor may any sharpen below a floor (log
sigma above -6, two thirds of a grey level), which costs on the black background.
"""


def counts_section(counts):
    rows = []
    for name, data in counts["data"].items():
        held = data["likelihoods"]["poisson"]["bound"]["examples"]
        zeros = f"{100 * data['zeros']:.0f} % zeros"
        about = f"{data['examples']:,} × {data['features']}, {zeros}, {held} held out"
        for likelihood, row in data["likelihoods"].items():
            first = likelihood == "poisson"
            rows.append(
                [
                    f"{name}: {about}" if first else "",
                    f"`{likelihood}`",
                    pm(row["bound"], 1),
                    "" if first else pm(row["gain"], 1, "+"),
                    f"{row['best_epoch']} of {row['epochs']}",
                ]
            )
    head = ["data", "likelihood", "log p(x), nats an example, at least", "gain", "best epoch"]
    return f"""## Likelihoods of counts

Network {counts["network"]}, seed {counts["seed"]};
of the epochs, the one with the best validation ELBO. {counts["samples"]} importance samples; ± is
one standard error over held-out examples, for gains over the Poisson paired.

- *digits*, real: pixels set in each 4 × 4 block of a digit (UCI, in scikit-learn), 0 to 16.
- *names*, real: how often the 200 commonest names stand in each file of Python
  {counts["python"]}'s own library.
- *genes*, drawn by the recipe in `counts.py`: negative binomial given five factors and a cell's
  size. *genes, dropped*: the same with 30 % of the counts lost.

{table(head, rows)}

Where a Poisson is enough (*digits*: of 16 pixels none can be counted twice) a negative binomial has
to find theta = ∞, from where the data's own variance has it start; extra zeros help, since blocks
at the rim are empty. Where no count was lost (*genes*) they gain nothing.
"""


def page(gains, maps, bits, counts):
    sections = [
        make(result)
        for make, result in (
            (gains_section, gains),
            (maps_section, maps),
            (bits_section, bits),
            (counts_section, counts),
        )
        if result
    ]
    machine = (gains or maps or bits or counts)["hardware"]
    return f"""# What the axes are worth

Written by `docs/make_gains.py` from `benchmarks/results`: {machine["processor"]},
{machine["threads"]} thread. Within a table everything but the named component is the same: network,
latents, data, batches, step size, epochs, seed; nothing was tuned. The runs are short;
`python benchmarks/gains.py --epochs 50 --seeds 3` continues them.

![Gains in nats and bits per dimension](gains.png)

{chr(10).join(sections)}"""


def main():
    gains, maps, bits, counts = map(found, ("gains", "gains-maps", "bits", "counts"))
    drawn = panels(gains, bits)
    if drawn:
        picture(drawn)
    (DOCS / "gains.md").write_text(page(gains, maps, bits, counts))


if __name__ == "__main__":
    main()
