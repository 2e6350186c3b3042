"""Numbers in (encoder, decoder) from [1, 2, 3] to 2 x 3, and from 3 to [1, 2, 3]."""

ROWS = {
    # 2 x 3 -> 1 x 1; the decoder's last layer has a bias for each output, not each channel
    "conv:channels=(5,),hidden=(7,),activation=relu": (
        (1 * 16 * 5 + 5) + (5 * 7 + 7) + (7 * 6 + 6),
        (3 * 7 + 7) + (7 * 5 + 5) + 5 * 16 * 1 + 6,
    ),
    # two channels of length 3 -> 1
    "conv:channels=(5,),hidden=(),dimensions=1": (
        (2 * 4 * 5 + 5) + (5 * 6 + 6),
        (3 * 5 + 5) + 5 * 4 * 2 + 6,
    ),
}
