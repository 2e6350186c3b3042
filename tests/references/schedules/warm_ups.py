"""Schedules, value by value: text: {step: value}."""

ROWS = {
    "constant:value=0.25": {0: 0.25, 7: 0.25, 10**9: 0.25},
    "linear:steps=10,start=0.5,end=4": {0: 0.5, 1: 0.85, 5: 2.25, 10: 4.0, 11: 4.0, 10**9: 4.0},
    "cyclical:steps=8,rise=0.25,start=2,end=1": {
        0: 2.0, 1: 1.5, 2: 1.0, 3: 1.0, 7: 1.0, 8: 2.0, 9: 1.5, 8000: 2.0, 8003: 1.0,
    },
}  # fmt: skip
