"""Numbers as people read them: three significant digits, a real minus, no false precision."""

from __future__ import annotations

import math

_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_ASCII = str.maketrans("−⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "--0123456789")


def three(x: float | None) -> str:
    """Return a measured number with three significant digits; digits before the point all stay.

    Example:
        >>> three(5.1169), three(-3061.25), three(0.5), three(1.31e-5), three(float("nan"))
        ('5.12', '−3,061', '0.500', '1.31×10⁻⁵', '–')
    """
    if x is None or math.isnan(x):
        return "–"
    if math.isinf(x):
        return "∞" if x > 0 else "−∞"
    return _minus(_digits(x, 3))


def exact(x: float) -> str:
    """Return a stated number without trailing zeros.

    Example:
        >>> exact(0.5), exact(392.0), exact(1536.0), exact(1e-3)
        ('0.5', '392', '1,536', '0.001')
    """
    text = _digits(x, 4) if math.isfinite(x) else three(x)
    head, mark, tail = text.partition("×")
    if "." in head:
        head = head.rstrip("0").rstrip(".")
    return _minus(head + mark + tail)


def two(x: float) -> str:
    """Return a standard error with two significant digits.

    Example:
        >>> two(0.2983), two(2.109), two(0.00019)
        ('0.30', '2.1', '0.00019')
    """
    return _minus(_digits(x, 2)) if math.isfinite(x) else three(x)


def six(x: float) -> str:
    """Return a number with six significant digits, to show that two agree.

    Example:
        >>> six(30.969502449)
        '30.9695'
    """
    return _minus(_digits(x, 6)) if math.isfinite(x) else three(x)


def count(n: float) -> str:
    """Return a count with its thousands marked.

    Example:
        >>> count(10_000)
        '10,000'
    """
    return f"{n:,.0f}" if math.isfinite(n) else three(n)


def duration(seconds: float) -> str:
    """Return a time in its natural unit.

    Example:
        >>> duration(42.0), duration(150.0)
        ('42.0 s', '2 min 30 s')
    """
    if seconds < 60:
        return f"{three(seconds)} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def size(n_bytes: float) -> str:
    """Return an amount of memory.

    Example:
        >>> size(1.2e9), size(3.1e7)
        ('1.20 GB', '31.0 MB')
    """
    unit, name = (1e9, "GB") if n_bytes >= 1e9 else (1e6, "MB")
    return f"{three(n_bytes / unit)} {name}"


def ascii_numbers(text: str) -> str:
    """Return the text with numbers that every terminal shows and every program parses.

    Example:
        >>> ascii_numbers("−1.31×10⁻⁵")
        '-1.31e-5'
    """
    return text.replace("×10", "e").translate(_ASCII)


def _digits(x: float, significant: int) -> str:
    if x == 0:
        return "0"
    exponent = int(f"{x:.{significant - 1}e}".partition("e")[2])
    if not -5 < exponent < 7:
        mantissa = f"{x / 10.0**exponent:.{significant - 1}f}"
        return f"{mantissa}×10{str(exponent).translate(_SUPERSCRIPTS)}"
    return f"{x:,.{max(0, significant - 1 - exponent)}f}"


def _minus(text: str) -> str:
    return text.replace("-", "−")
