"""Numbers in (encoder, decoder) from [1, 2, 3] to 2 x 3, and from 3 to [1, 2, 3].

A residual block has two convolutions of kernel 3; each level has a block in either half.
"""

BLOCK = 2 * (5 * 9 * 5 + 5)

ROWS = {
    "conv_maps:levels=((1,1,1),(1,1,2)),channels=(5,),activation=relu": (
        (1 * 16 * 5 + 5) + 2 * BLOCK + 2 * (5 * 9 * 2 + 2),
        2 * (1 * 9 * 5 + 5) + 2 * BLOCK + 5 * 16 * 1 + 6,
    ),
}
