"""What the doctor found, on one screen, on one page and as JSON: one `Sheet` stands behind all."""

from nelbo.report.doctor.json import record
from nelbo.report.doctor.sheet import Mark, Numbers, Row, Sheet
from nelbo.report.doctor.sheets import audit, diagnosis, forecast
from nelbo.report.doctor.text import screen

__all__ = ["Mark", "Numbers", "Row", "Sheet", "audit", "diagnosis", "forecast", "record", "screen"]
