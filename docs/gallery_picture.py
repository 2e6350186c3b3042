"""The gallery's picture: what every patient reconstructs and samples."""

from __future__ import annotations

import matplotlib
import torch

matplotlib.use("Agg")
from gallery_page import GROUPS, title  # noqa: E402
from matplotlib import pyplot as plt  # noqa: E402

SHOWN = 6  # images a strip
CELL, GAP, LABEL, COLUMNS, EDGE, HEAD, HEADING = 44, 5, 50, 3, 30, 72, 40
CARD_WIDTH = LABEL + SHOWN * (CELL + GAP) + 30
CARD_HEIGHT = 36 + 2 * (CELL + GAP) + 22
INK, QUIET, PAPER, RED, ACCENT = "#1a1a1a", "#6b6b6b", "#ffffff", "#b3261e", "#1f4e79"


def images(values):
    side = round(values.shape[1] ** 0.5)
    return values.reshape(-1, side, side)


def reconstructions(patient, x):
    """What the model's own full pass gives, as its owner sees it."""
    if getattr(patient.model, "forward", None) is None or not hasattr(patient.model, "output"):
        return patient.model.reconstruct(x)
    found = patient.model.forward(x)
    recon = found[0] if isinstance(found, tuple) else found
    return torch.sigmoid(recon) if patient.model.output == "logits" else recon


def samples(patient, x):
    model = patient.model
    latent = model.encode(x[:2]).mean.shape[1]
    z = torch.randn(SHOWN, latent)
    if not getattr(model, "decodes_x", False):
        return model.decode(z[None]).mean[0].flatten(1)
    drawn = torch.zeros(SHOWN, x.shape[1])
    for i in range(x.shape[1]):  # pixel by pixel, as it was made to
        drawn[:, i] = torch.bernoulli(model.decode(z[None], drawn).mean[0][:, i])
    return drawn


@torch.no_grad()
def strips(patient):
    """Originals, reconstructions and samples, each scaled from 0, white, to 1, black."""
    torch.manual_seed(1)
    x = patient.data[:: len(patient.data) // SHOWN][:SHOWN].flatten(1)
    low, high = float(x.min()), float(x.max())
    if getattr(patient.model, "output", "") == "logits" and high > 1:
        low, high = 0.0, 1.0  # probabilities, whatever the data
    found = [x, reconstructions(patient, x), samples(patient, x)]
    scaled = [(part - low) / (high - low) for part in found[1:]]
    first = (x - x.min()) / (x.max() - x.min())
    return [images(part) for part in (first, *scaled)]


def draw_strip(figure, strip, left, top, missing):
    width, full = figure.get_size_inches() * 100
    for i, image in enumerate(strip):
        x, y = left + i * (CELL + GAP), full - top - CELL
        axes = figure.add_axes((x / width, y / full, CELL / width, CELL / full))
        axes.set(xticks=[], yticks=[])
        for spine in axes.spines.values():
            spine.set(color="#d9d9d9", linewidth=0.6)
        if bool(image.isfinite().all()):
            axes.imshow(image, cmap="Greys", vmin=0, vmax=1, interpolation="nearest")
        else:
            axes.text(0.5, 0.5, missing, ha="center", va="center", fontsize=7, color=RED)


def write(figure, text, left, top, **how):
    width, full = figure.get_size_inches() * 100
    figure.text(left / width, 1 - top / full, text, va="top", **how)


def card(figure, left, top, heading, note, pair):
    write(figure, heading, left, top, fontsize=9.5, color=INK, weight="bold")
    write(figure, note, left, top + 17, fontsize=7.5, color=QUIET, family="monospace")
    for row, (label, strip) in enumerate(zip(("full pass", "sampled"), pair, strict=True)):
        y = top + 36 + row * (CELL + GAP)
        write(figure, label, left, y + CELL / 2 - 5, fontsize=6.5, color=QUIET)
        draw_strip(figure, strip, left + LABEL, y, "NaN")


def legend(figure, originals, pair):
    write(
        figure, "Broken VAEs, and what the doctor finds first", EDGE, 24, fontsize=15, weight="bold"
    )
    left = EDGE + CARD_WIDTH
    write(figure, "What they were given", EDGE, HEAD, fontsize=9.5, color=INK, weight="bold")
    draw_strip(figure, originals, EDGE + LABEL, HEAD + 36, "")
    card(figure, left, HEAD, "For comparison: a healthy one", "no error, no warning", pair)
    write(
        figure,
        "full pass: the model's own output for the images given\n"
        "sampled: decoded from latents drawn from N(0, I)\n\n"
        "Trained for some 150 steps on 1500 images each. White and\n"
        "black are the ends of the range of the data.",
        left + CARD_WIDTH + 8,
        HEAD + 36,
        fontsize=8,
        color=QUIET,
        linespacing=1.5,
    )


def picture(pictures, firsts, reference, path):
    rows = sum(-(-len(names) // COLUMNS) for names in GROUPS.values())
    height = HEAD + CARD_HEIGHT + rows * CARD_HEIGHT + len(GROUPS) * HEADING + 10
    figure = plt.figure(figsize=((COLUMNS * CARD_WIDTH + 2 * EDGE) / 100, height / 100), dpi=100)
    figure.patch.set_facecolor(PAPER)
    legend(figure, reference[0], reference[1:])
    top = HEAD + CARD_HEIGHT
    for heading, names in GROUPS.items():
        write(figure, heading, EDGE, top + 6, fontsize=11.5, color=ACCENT, weight="bold")
        top += HEADING
        for i, name in enumerate(names):
            place = EDGE + i % COLUMNS * CARD_WIDTH, top + i // COLUMNS * CARD_HEIGHT
            card(figure, *place, title(name), firsts[name].code, pictures[name][1:])
        top += -(-len(names) // COLUMNS) * CARD_HEIGHT
    figure.savefig(path, facecolor=PAPER)
    plt.close(figure)
