"""Names to components and back; a component's `__init__` signature is its configuration.

The command line, checkpoints, reports and the conformance batteries all read components here.
"""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Callable, Mapping
from keyword import iskeyword
from typing import Any, TypeVar

from nelbo.errors import BadType, BadValue, NelboError, nearest

T = TypeVar("T", bound=type)
Spec = dict[str, Any]

_COMPONENTS: dict[str, dict[str, type]] = {}


def register(axis: str, name: str) -> Callable[[T], T]:
    """Class decorator: make a component known as `name` on `axis` (such as `"likelihood"`)."""

    def enter(component: T) -> T:
        known = _COMPONENTS.setdefault(axis, {})
        if name in known:
            raise BadValue(
                f"{axis} '{name}'",
                expected="a new name",
                got="one already registered",
                fix="Choose another name.",
            )
        known[name] = component
        return component

    return enter


def names(axis: str) -> tuple[str, ...]:
    """Return the names on an axis, sorted.

    Example:
        >>> import nelbo
        >>> names("schedule")
        ('constant', 'cyclical', 'linear')

    """
    return tuple(sorted(_COMPONENTS.get(axis, {})))


def component(axis: str, name: str) -> type:
    """Return the class registered as `name` on `axis`; ValueError names the nearest."""
    known = _COMPONENTS.get(axis, {})
    if name not in known:
        raise BadValue(axis, expected="a known name", got=f"'{name}'", fix=nearest(name, known))
    return known[name]


def build(axis: str, spec: str | Mapping[str, Any]) -> Any:
    """Build a component from its text (`"gaussian:variance=392"`) or from `spec()`'s record.

    Raises:
        ValueError: unknown name or argument (the nearest is named), or text that does not parse.

    Example:
        >>> import nelbo
        >>> build("likelihood", "gaussian:variance=0.5").variance
        0.5

    """
    record = parse(spec) if isinstance(spec, str) else spec
    name, arguments = record["name"], dict(record["arguments"])
    kind = component(axis, name)
    allowed = parameters(kind)
    for key, value in arguments.items():
        if key not in allowed:
            raise BadValue(
                f"{axis} {name}",
                expected="a known argument",
                got=f"'{key}'",
                fix=nearest(key, allowed) if allowed else "It takes none.",
            )
        value = _named(value) if _takes_no_word(allowed[key]) else value
        arguments[key] = _value(f"{axis} {name}", key, value)
    missing = [k for k, p in allowed.items() if p.default is p.empty and k not in arguments]
    if missing:
        raise BadValue(
            f"{axis} {name}",
            expected=f"a value for '{missing[0]}'",
            got="none",
            fix=f"Write {name}:{missing[0]}=...",
        )
    try:
        return kind(**arguments)
    except NelboError:
        raise
    except TypeError as error:
        raise BadType(
            f"{axis} {name}",
            expected="arguments of its types",
            got=f"{arguments} ({error})",
            fix=f"Its signature: {name}{inspect.signature(kind)}.",
        ) from error


def spec(component: object) -> Spec:
    """Return the record `{"name", "arguments"}` that `build` turns into an equal component.

    Example:
        >>> import nelbo
        >>> spec(nelbo.likelihoods.Gaussian(variance=0.5))["name"]
        'gaussian'

    """
    kind = type(component)
    name = next((n for axis in _COMPONENTS.values() for n, k in axis.items() if k is kind), None)
    if name is None:
        raise BadType(
            "component",
            expected="one of a registered class",
            got=kind.__name__,
            fix="Decorate the class with nelbo.registry.register(axis, name).",
        )
    keys = parameters(kind)
    return {"name": name, "arguments": {key: _record(getattr(component, key)) for key in keys}}


def text(record: Mapping[str, Any]) -> str:
    """Return a record of `spec` in the form that the command line takes; defaults stay out.

    Example:
        >>> import nelbo
        >>> text(spec(nelbo.likelihoods.Gaussian(variance=0.5)))
        'gaussian:variance=0.5'

    """
    body = _arguments(record)
    return record["name"] + (f":{body}" if body else "")


def parse(text: str) -> Spec:
    """Parse `NAME[:key=value,...]`; values are Python literals, bare words, or `name(key=value)`.

    Where an argument takes no text, `build` takes a word for the component of that name: `name`
    is `name()` there, also within a tuple.

    Example:
        >>> parse("mlp:hidden=(500,500),activation=tanh")["arguments"]
        {'hidden': (500, 500), 'activation': 'tanh'}

    """
    name, _, arguments = text.partition(":")
    try:
        call = ast.parse(f"f({arguments})", mode="eval").body
        return {"name": name.strip(), "arguments": _nested(call)["arguments"]}
    except (SyntaxError, ValueError, TypeError):
        raise BadValue(
            "specification",
            expected="NAME or NAME:key=value,...",
            got=f"'{text}'",
            fix="For example gaussian:variance=0.5.",
        ) from None


def parameters(kind: type) -> dict[str, inspect.Parameter]:
    """Return the named parameters of a component's `__init__`: its configuration."""
    signature = inspect.signature(kind).parameters
    variadic = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return {name: p for name, p in signature.items() if p.kind not in variadic}


def _nested(node: ast.expr) -> Spec:
    """Turn `name(key=value)` into its record; a value without its key is refused, not dropped."""
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name) or node.args:
        raise SyntaxError
    keys = [k.arg for k in node.keywords]
    if None in keys or len(set(keys)) < len(keys):
        raise SyntaxError
    return {
        "name": node.func.id,
        "arguments": {str(k.arg): _literal(k.value) for k in node.keywords},
    }


def _literal(node: ast.expr) -> Any:
    if isinstance(node, ast.Name):
        return _WORDS.get(node.id.lower(), node.id)
    if isinstance(node, ast.Tuple | ast.List):
        return tuple(_literal(element) for element in node.elts)
    return _nested(node) if isinstance(node, ast.Call) else ast.literal_eval(node)


_WORDS = {"true": True, "false": False, "none": None}


def _arguments(record: Mapping[str, Any]) -> str:
    kind = next((k[record["name"]] for k in _COMPONENTS.values() if record["name"] in k), None)
    defaults = parameters(kind) if kind else {}
    stated = {
        k: v
        for k, v in record["arguments"].items()
        if k not in defaults or defaults[k].default != _tuple(v)
    }
    return ",".join(f"{key}={_text(value)}" for key, value in stated.items())


def _text(value: Any) -> str:
    if isinstance(value, Mapping):
        return f"{value['name']}({_arguments(value)})"
    if isinstance(value, list | tuple):
        return "(" + ",".join(_text(v) for v in value) + ("," if len(value) == 1 else "") + ")"
    if isinstance(value, float):
        short = f"{value:g}"
        return short if float(short) == value else repr(value)
    if isinstance(value, str):
        bare = value.isascii() and value.isidentifier()
        bare = bare and not iskeyword(value) and value.lower() not in _WORDS
        return value if bare else repr(value)
    return str(value)


def _tuple(value: Any) -> Any:
    return tuple(_tuple(v) for v in value) if isinstance(value, list | tuple) else value


def _value(what: str, key: str, value: Any) -> Any:
    """Turn a recorded argument into the object it stands for."""
    if isinstance(value, Mapping) and "opaque" in value:
        raise BadValue(
            f"{what}, '{key}'",
            expected="the object itself",
            got=value["opaque"],
            fix="It cannot be rebuilt from a file: pass network=nelbo.networks.Modules(...) again.",
        )
    if isinstance(value, Mapping):
        axes = [axis for axis, known in _COMPONENTS.items() if value["name"] in known]
        if len(axes) != 1:
            every = {n for known in _COMPONENTS.values() for n in known}
            raise BadValue(
                f"{what}, '{key}'",
                expected="a known component",
                got=f"'{value['name']}'",
                fix=nearest(value["name"], every),
            )
        return build(axes[0], value)
    return tuple(_value(what, key, v) for v in value) if isinstance(value, list | tuple) else value


def _takes_no_word(parameter: inspect.Parameter) -> bool:
    """Return whether an argument is annotated with types of which none is `str`."""
    stated = parameter.annotation is not parameter.empty
    return stated and re.search(r"\bstr\b", str(parameter.annotation)) is None


def _named(value: Any) -> Any:
    """Turn words that are components' names into their records, also within a tuple."""
    if isinstance(value, list | tuple):
        return tuple(_named(v) for v in value)
    known = isinstance(value, str) and any(value in names for names in _COMPONENTS.values())
    return {"name": value, "arguments": {}} if known else value


def _record(value: Any) -> Any:
    """Turn an argument into what JSON can hold."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, tuple | list):
        return [_record(v) for v in value]
    if any(type(value) is k for known in _COMPONENTS.values() for k in known.values()):
        return spec(value)
    return {"opaque": type(value).__name__}
