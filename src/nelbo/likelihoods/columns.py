"""A likelihood for each column of a table."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.distributions import Distribution, constraints
from torch.distributions.constraints import Constraint
from torch.types import _size

from nelbo.errors import BadType, BadValue, nearest
from nelbo.likelihoods.base import Likelihood, Shape
from nelbo.likelihoods.observed import log_probs_of
from nelbo.registry import names, register


class _Row(Distribution):
    """A row of a table: independent distributions, each over some of its columns."""

    def __init__(self, parts: Sequence[Distribution]) -> None:
        self.parts = parts
        self.sizes = [part.event_shape[0] for part in parts]
        columns = torch.Size((sum(self.sizes),))
        super().__init__(parts[0].batch_shape, columns, validate_args=False)

    @property
    def support(self) -> Constraint:
        return constraints.cat([part.support for part in self.parts], -1, self.sizes)

    @property
    def mean(self) -> Tensor:
        return torch.cat([part.mean for part in self.parts], -1)

    @property
    def mode(self) -> Tensor:
        return torch.cat([part.mode for part in self.parts], -1)

    @property
    def variance(self) -> Tensor:
        return torch.cat([part.variance for part in self.parts], -1)

    def sample(self, sample_shape: _size = torch.Size()) -> Tensor:  # noqa: B008
        return torch.cat([part.sample(sample_shape) for part in self.parts], -1)

    def log_prob(self, value: Tensor) -> Tensor:
        pairs = zip(self.parts, value.split(self.sizes, -1), strict=True)
        return torch.stack([part.log_prob(x) for part, x in pairs]).sum(0)

    def log_probs(self, value: Tensor) -> Tensor:
        pairs = zip(self.parts, value.split(self.sizes, -1), strict=True)
        return torch.cat([log_probs_of(part)(x) for part, x in pairs], -1)


# log p(x|z) = sum_d log p_d(x_d|z)          Nazabal, Olmos, Ghahramani & Valera 2020, section 3
@register("likelihood", "columns")
class Columns(Likelihood):
    """Every column of a table, or every run of columns, has a likelihood of its own.

    The decoder's output is that of the first part, flattened, then that of the second, and so on.
    The moments are those of the parts: of a category that is the number of a class, the mean is
    no class; `decode(z).mode` is the most probable one.

    Source: Nazabal, Olmos, Ghahramani & Valera 2020, Handling incomplete heterogeneous data using
    VAEs, section 3.

    Args:
        parts: the likelihoods, from the first column on.
        sizes: how many successive columns each of them is for; one each if left out.

    Raises:
        TypeError: a part that is not a likelihood.
        ValueError: no parts, or other than one positive size for each.

    Example:
        >>> from nelbo.likelihoods import Bernoulli, Gaussian
        >>> table = Columns((Gaussian(variance=1.0), Bernoulli()), sizes=(3, 1))
        >>> table.base_measure
        'density on R^3 x mass on {0, 1}^1'
        >>> table(torch.zeros(1, 5, 4)).log_prob(torch.zeros(5, 4)).shape
        torch.Size([1, 5])

    """

    requirement = "columns, each in the domain of its likelihood"
    advice = "Give the columns other likelihoods, or in another order."

    def __init__(self, parts: tuple[Likelihood, ...], sizes: tuple[int, ...] | None = None) -> None:
        super().__init__()
        _check(parts, sizes)
        self.parts, self.sizes = tuple(parts), sizes
        self._widths = (1,) * len(parts) if sizes is None else tuple(sizes)
        self._columns = sum(self._widths)
        self.held = nn.ModuleList(parts)
        self.support = constraints.cat([p.support for p in parts], -1, self._widths)
        self.domain = constraints.cat([p.domain for p in parts], -1, self._widths)
        self.base_measure = self._product()
        self.warning = " ".join(dict.fromkeys(p.warning for p in parts if p.warning))
        self.bears_bf16 = all(p.bears_bf16 for p in parts)

    def forward(self, parameters: Float[Tensor, "samples batch *event"]) -> Distribution:
        """Return p(x|z) for the parts' parameters, flattened, one after the other."""
        shapes = [part.parameter_shape((n,)) for part, n in self._with_sizes()]
        pieces = parameters.split([torch.Size(shape).numel() for shape in shapes], -1)
        whole = zip(self.parts, pieces, shapes, strict=True)
        return _Row([part(piece.unflatten(-1, shape)) for part, piece, shape in whole])

    @property
    def belief(self) -> str:
        """What this likelihood takes the data to be."""
        counts = self._counts(lambda part: type(part).__name__)
        return "columns: " + ", ".join(f"{n:,} {name}" for name, n in counts.items())

    def setup(self, data_shape: Shape) -> None:
        """Create what the parts need; ValueError for a table of another number of columns."""
        self._require(data_shape)
        for part, n in self._with_sizes():
            part.setup((n,))

    def parameter_shape(self, data_shape: Shape) -> Shape:
        """Return the number of the parts' parameters, of all columns."""
        self._require(data_shape)
        each = (part.parameter_shape((n,)) for part, n in self._with_sizes())
        return (sum(torch.Size(shape).numel() for shape in each),)

    def check(self, x: Tensor) -> bool:
        """Refuse a column outside the domain of its likelihood, by its number, from 0.

        Of columns outside the support, `warning` then names those that were found.
        """
        self._require(tuple(x.shape[1:]))
        outside, first = [], 0
        for (part, n), columns in zip(self._with_sizes(), self._split(x), strict=True):
            try:
                if not part.check(columns):
                    outside.append(f"column {first} ({type(part).__name__}): {part.warning}")
            except BadValue:
                _check_each(part, columns, first)
                raise
            first += n
        if outside:
            self.warning = " ".join(outside)
        return not outside

    def shown(self, x: Float[Tensor, " batch *event"]) -> Float[Tensor, " batch *event"]:
        """Return what the parts show of their columns."""
        pairs = zip(self.parts, self._split(x), strict=True)
        return torch.cat([part.shown(columns) for part, columns in pairs], -1)

    def start(self, mean: Float[Tensor, " *event"], variance: Float[Tensor, " *event"]) -> None:
        """Begin each part at the spread of its columns."""
        for part, *moments in zip(
            self.parts, self._split(mean), self._split(variance), strict=True
        ):
            part.start(*moments)

    def output_at(self, mean: Float[Tensor, " *event"]) -> Float[Tensor, " *parameters"]:
        """Return the parts' outputs at these means, flattened, one after the other."""
        pieces = []
        for (part, n), at in zip(self._with_sizes(), self._split(mean), strict=True):
            pieces.append(part.output_at(at).expand(part.parameter_shape((n,))).flatten())
        return torch.cat(pieces)

    def noise_variance(self, mean: Float[Tensor, "*event"]) -> Float[Tensor, "*event"] | None:
        """Return each column's V(mean); None where a part has none."""
        pairs = zip(self.parts, self._split(mean), strict=True)
        each = [part.noise_variance(at) for part, at in pairs]
        known = [variance for variance in each if variance is not None]
        return torch.cat(known, -1) if len(known) == len(each) else None

    def _product(self) -> str:
        """Return the parts' measures, such as `density on R^3 x mass on {0, 1}^1`."""
        counts = self._counts(lambda part: part.base_measure)
        return " x ".join(measure.replace("^D", f"^{n}") for measure, n in counts.items())

    def _counts(self, name: Callable[[Likelihood], str]) -> dict[str, int]:
        """Return how many columns there are of each name."""
        counts: dict[str, int] = {}
        for part, n in self._with_sizes():
            counts[name(part)] = counts.get(name(part), 0) + n
        return counts

    def _with_sizes(self) -> Iterator[tuple[Likelihood, int]]:
        return zip(self.parts, self._widths, strict=True)

    def _split(self, x: Tensor) -> tuple[Tensor, ...]:
        return x.split(self._widths, -1)

    def _require(self, data_shape: Shape) -> None:
        if tuple(data_shape) != (self._columns,):
            raise BadValue(
                "data for Columns",
                expected=f"examples of shape [{self._columns}], a column for each of the parts",
                got=f"shape {list(data_shape)}",
                fix="Name a likelihood for every column; sizes=(300, 1) repeats the first.",
            )


def _check(parts: tuple[Likelihood, ...], sizes: tuple[int, ...] | None) -> None:
    wrong = [p for p in parts if not isinstance(p, Likelihood)] if _many(parts) else [parts]
    if wrong:
        named = nearest(wrong[0], names("likelihood")) if isinstance(wrong[0], str) else ""
        raise BadType(
            "parts",
            expected="a tuple of likelihoods",
            got=f"{wrong[0]!r}",
            fix=named or "For example Columns((Gaussian(), Bernoulli())).",
        )
    if not parts:
        fix = "For example Columns((Gaussian(), Bernoulli()))."
        raise BadValue("parts", expected="at least one likelihood", got="none", fix=fix)
    learned = [id(part) for part in parts if any(True for _ in part.parameters())]
    if len(set(learned)) < len(learned):
        raise BadValue(
            "parts",
            expected="another likelihood object for each part that learns something",
            got="one of them twice",
            fix="Make a second one; for successive columns, sizes=(2, 1) repeats the first.",
        )
    if sizes is not None and (len(sizes) != len(parts) or min(sizes) < 1):
        raise BadValue(
            "sizes",
            expected=f"{len(parts)} positive numbers of columns, one for each part",
            got=sizes,
            fix="Leave it out to give each part one column.",
        )


def _many(parts: object) -> bool:
    return isinstance(parts, tuple | list)


def _check_each(part: Likelihood, columns: Tensor, first: int) -> None:
    """Raise the error of the first column that its likelihood refuses, with its number."""
    for i, column in enumerate(columns.split(1, -1)):
        try:
            part.check(column)
        except BadValue as error:
            what = f"column {first + i} ({type(part).__name__}): {error.what}"
            raise BadValue(what, expected=error.expected, got=error.got, fix=error.fix) from None
