"""The forecast: what a loss will do to data, said before training."""

from nelbo.doctor.forecast.forecast import forecast
from nelbo.doctor.forecast.kl_weight import kl_weight
from nelbo.doctor.forecast.moments import Moments, moments
from nelbo.doctor.forecast.result import Forecast, Verdict

__all__ = ["Forecast", "Moments", "Verdict", "forecast", "kl_weight", "moments"]
