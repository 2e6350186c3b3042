"""A result of the doctor as JSON can hold it: unrounded, complete."""

from __future__ import annotations

from typing import Any

from nelbo.doctor import Forecast
from nelbo.doctor.audit.results import Audit
from nelbo.doctor.diagnose.results import Diagnosis
from nelbo.report.doctor.sheet import Sheet
from nelbo.report.json import plain

SCHEMA = 1


def record(sheet: Sheet, found: Audit | Forecast | Diagnosis) -> dict[str, Any]:
    """Return a result with what it is about: `schema`, `command`, `subject`, `ok`, its own fields.

    Numbers that JSON cannot hold (nan, infinities) become None.
    """
    head = {
        "schema": SCHEMA, "command": sheet.command, "subject": sheet.subject, "ok": sheet.ok,
    }  # fmt: skip
    return {**head, **plain(found), "made": plain(sheet.made)}
