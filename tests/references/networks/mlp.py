"""Numbers in (encoder, decoder) from 6 features to 2 x 3, and from 3 to 6."""

ROWS = {
    "mlp:hidden=(),activation=tanh": (6 * 6 + 6, 3 * 6 + 6),
    "mlp:hidden=(5,4),activation=relu": (
        (6 * 5 + 5) + (5 * 4 + 4) + (4 * 6 + 6),
        (3 * 4 + 4) + (4 * 5 + 5) + (5 * 6 + 6),
    ),
}
