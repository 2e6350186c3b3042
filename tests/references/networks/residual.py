"""Numbers in (encoder, decoder) from [1, 2, 3] to 2 x 3, and from 3 to [1, 2, 3].

A block has two convolutions of kernel 3.
"""

BLOCK = 2 * (5 * 9 * 5 + 5)
SERIES_BLOCK = 2 * (5 * 3 * 5 + 5)

ROWS = {
    "residual:channels=(5,),hidden=(7,),activation=relu,blocks=2": (
        (1 * 16 * 5 + 5) + 2 * BLOCK + (5 * 7 + 7) + (7 * 6 + 6),
        (3 * 7 + 7) + (7 * 5 + 5) + 2 * BLOCK + 5 * 16 * 1 + 6,
    ),
    "residual:channels=(5,),hidden=(),dimensions=1": (
        (2 * 4 * 5 + 5) + SERIES_BLOCK + (5 * 6 + 6),
        (3 * 5 + 5) + SERIES_BLOCK + 5 * 4 * 2 + 6,
    ),
}
