"""One group of three categories: the sum over what may come, by scipy."""

import numpy as np
from scipy import special

from tests.references.rows import PosteriorRow

_ROW = PosteriorRow(
    log_density=lambda z, o: np.log(
        np.take_along_axis(
            np.broadcast_to(special.softmax(o, -1), z.shape), z.argmax(-1)[..., None], -1
        )
    )[..., 0],
    mean=lambda o: special.softmax(o, -1),
    variance=lambda o: special.softmax(o, -1) * (1 - special.softmax(o, -1)),
)

# the temperature is one of gradients: q(z|x) does not depend on it
ROWS = {
    "st_gumbel_softmax:categories=3,temperature=0.7": _ROW,
    "st_gumbel_softmax:categories=3": _ROW,
}
