"""The question's losses on MNIST and Fashion-MNIST: does nelbo reproduce what Chainer 5 did?

    python benchmarks/question.py [mnist] [fashion-mnist]

Trains the network that Chainer 5.0.0 was measured with (784-200-200-20, tanh, Adam, batch 100,
six epochs) and holds the results against these bounds on MNIST's test set, where Chainer itself
has 0 active units, 1.3e-5, 17.5 and 11.7:

    F.mean_squared_error   0 active units, outputs' standard deviation across inputs below 0.001
    sum of squares         squared error per image below 18
    F.bernoulli_nll        below 12.5
    learned sigma          at or below the sum

On Fashion-MNIST only the order has to be the same. Writes results/question-DATA.json.
"""

from __future__ import annotations

import sys
from pathlib import Path

from nelbo.compare import Comparison, Row, compare
from nelbo.report import json

RESULTS = Path(__file__).parent / "results"


def value(row: Row, name: str) -> float:
    return row.estimates[name].value


def checks(found: Comparison) -> dict[str, bool]:
    rows = {row.key: row for row in found.rows}
    mean, total = rows["mean_squared_error"], rows["sum_squared_error"]
    order = {
        "mean: no active unit": value(mean, "active_units") == 0,
        "mean: outputs alike": value(mean, "output_deviation") < 1e-3,
        "sum learns": value(total, "squared_error") < 0.5 * found.total_variance,
        "bernoulli below the sum": value(rows["bernoulli_nll"], "squared_error")
        < value(total, "squared_error"),
        "learned sigma at or below the sum": value(rows["learned_sigma"], "squared_error")
        <= value(total, "squared_error"),
    }
    bounds = {
        "sum below 18": value(total, "squared_error") < 18,
        "bernoulli below 12.5": value(rows["bernoulli_nll"], "squared_error") < 12.5,
    }
    return order | (bounds if found.data == "mnist" else {})


def main() -> int:
    failed = 0
    RESULTS.mkdir(exist_ok=True)
    for name in sys.argv[1:] or ["mnist", "fashion-mnist"]:
        found = compare(name)
        json.write(found, RESULTS / f"question-{name}.json")
        for row in found.rows:
            measured = ("squared_error", "kl", "output_deviation", "active_units")
            print(f"{row.key:22}", *(f"{n} {value(row, n):.5g}" for n in measured))
        for check, passed in checks(found).items():
            print(f"{name}: {check}: {'yes' if passed else 'NO'}")
            failed += not passed
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
