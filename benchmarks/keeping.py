"""How a result is kept: with what it was made by, on, and when."""

import datetime
import json

from nelbo.machine import hardware
from nelbo.train import versions


def keep(path, record):
    """Write a result as JSON; what it says itself of versions or hardware stays."""
    made = {
        "versions": versions(),
        "hardware": hardware(),
        "date": datetime.date.today().isoformat(),
    }
    path.write_text(json.dumps({**made, **record}, indent=2) + "\n")
