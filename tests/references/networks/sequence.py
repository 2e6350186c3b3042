"""Numbers in (encoder, decoder) from [1, 2, 3] to 2 x 3, and from 3 to [1, 2, 3].

A GRU of state s on f features has three gates, each of f s + s s weights and two biases of s.
"""


def gru(features, state):
    return 3 * (features * state + state * state + 2 * state)


ROWS = {
    # three steps of two features
    "sequence:state=5": (
        2 * gru(2, 5) + (10 * 6 + 6),
        2 * (3 * 5 + 5) + 3 * 5 + gru(5, 5) + 5 * 2 + 6,
    ),
    # two steps of three features
    "sequence:state=5,time=-2": (
        2 * gru(3, 5) + (10 * 6 + 6),
        2 * (3 * 5 + 5) + 2 * 5 + gru(5, 5) + 5 * 3 + 6,
    ),
}
