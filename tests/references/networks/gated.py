"""Numbers in (encoder, decoder) from 6 features to 2 x 3, and from 3 to 6; gates double a layer."""

ROWS = {
    "gated:hidden=()": (6 * 6 + 6, 3 * 6 + 6),
    "gated:hidden=(5,4)": (
        2 * (6 * 5 + 5) + 2 * (5 * 4 + 4) + (4 * 6 + 6),
        2 * (3 * 4 + 4) + 2 * (4 * 5 + 5) + (5 * 6 + 6),
    ),
}
