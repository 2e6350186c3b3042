"""The doctor: what a loss will do to data, said before training."""

from nelbo.doctor.forecast import Forecast, forecast
from nelbo.doctor.moments import Moments, moments

__all__ = ["Forecast", "Moments", "forecast", "moments"]
