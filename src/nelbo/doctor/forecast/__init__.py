"""The forecast: what a loss will do to data, said before training."""

from nelbo.doctor.forecast.forecast import Forecast, forecast
from nelbo.doctor.forecast.moments import Moments, moments

__all__ = ["Forecast", "Moments", "forecast", "moments"]
