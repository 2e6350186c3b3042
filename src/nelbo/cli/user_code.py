"""The user's own code: found by `FILE.py:NAME`, run as Python runs it, left without a trace."""

from __future__ import annotations

import ast
import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

from nelbo.cli.user_errors import lies_in, with_its_own_line
from nelbo.errors import BadValue, nearest

EXAMPLE = "For example my_code.py:my_loss."


@contextmanager
def user_code(place: str) -> Iterator[Any]:
    """Yield the object that `FILE.py:NAME` or `package.module:NAME` names, to be called inside.

    Within the block the code's own folder is importable, what it prints goes to standard error,
    and an error that it raises is told by its own file and line. Afterwards the interpreter is
    as it was; nothing is written, no bytecode either.

    Raises:
        ValueError: no such file, module or name, or code that raises.
    """
    where, name = _parts(place)
    path = _file(where) if _is_file(where) else None
    folder = (path.parent if path else Path()).resolve()
    with _interpreter_as_found(folder), redirect_stdout(sys.stderr):
        with with_its_own_line(where, folder):
            module = _run(path) if path else _import(where)
            yield _named(module, name, where)


def _parts(place: str) -> tuple[str, str]:
    where, _, name = place.rpartition(":")
    if where and name.replace(".", "_").isidentifier():
        return where, name
    file = Path(where or name)
    known = _functions(file) if file.suffix == ".py" and file.is_file() else []
    fix = f"For example {file}:{known[-1]}." if known else EXAMPLE
    raise BadValue("code", expected="FILE.py:NAME", got=f"'{place}'", fix=fix)


def _functions(path: Path) -> list[str]:
    """Return the names of a file's functions, without running it."""
    try:
        tree = ast.parse(path.read_bytes())
    except (SyntaxError, ValueError):
        return []
    return [node.name for node in tree.body if isinstance(node, ast.FunctionDef)]


def _is_file(where: str) -> bool:
    return where.endswith(".py") or "/" in where or "\\" in where or Path(where).exists()


def _file(where: str) -> Path:
    path = Path(where)
    if path.suffix == ".py" and path.is_file():
        return path
    if path.exists():
        kind = "the folder " if path.is_dir() else ""
        fix = "Name a file in it." if kind else "Save the code as a .py file; notebooks export one."
        raise BadValue("code", expected="a .py file", got=f"{kind}'{where}'", fix=fix)
    files = [str(p) for p in path.parent.glob("*.py")] if path.parent.is_dir() else []
    fix = nearest(where, files) if files else EXAMPLE
    raise BadValue("code", expected="a .py file", got=f"'{where}', which is not there", fix=fix)


def _run(path: Path) -> ModuleType:
    source = path.read_bytes()
    if not source.strip():
        fix = "Save the code in it first."
        raise BadValue(f"{path}", expected="Python code", got="an empty file", fix=fix)
    # nothing that is imported already is replaced, whatever the file is called
    name = path.stem if path.stem not in sys.modules else f"_{path.stem}_of_the_user"
    module = ModuleType(name)
    module.__file__ = str(path.resolve())
    sys.modules[name] = module
    sys.argv[:] = [str(path)]  # a script that reads its options gets none of ours
    exec(compile(source, module.__file__, "exec", dont_inherit=True), vars(module))
    return module


def _import(where: str) -> ModuleType:
    try:
        return importlib.import_module(where)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{where}.".startswith(f"{error.name}."):
            raise
        got = f"'{where}', which is neither in this folder nor installed"
        fix = f"For a file: {where.replace('.', '/')}.py:NAME."
        raise BadValue("code", expected="a module or a .py file", got=got, fix=fix) from None


def _named(module: ModuleType, name: str, where: str) -> Any:
    found: Any = module
    for part in name.split("."):
        if not hasattr(found, part):
            known = _made_here(module)
            fix = nearest(name, known) if known else "It defines no function."
            raise BadValue(where, expected="a name that it defines", got=f"'{name}'", fix=fix)
        found = getattr(found, part)
    return found


def _made_here(module: ModuleType) -> list[str]:
    """Return the names of a module's own functions, classes and objects; not what it imports."""
    return [
        name
        for name, value in vars(module).items()
        if not name.startswith("_") and _origin(value) in (module.__name__, "")
    ]


def _origin(value: object) -> str:
    """Return where a function or class is from; "" for an object that is not Python's own."""
    if isinstance(value, type | FunctionType):
        return value.__module__
    return type(value).__module__ if type(value).__module__ in ("builtins", "__future__") else ""


@contextmanager
def _interpreter_as_found(folder: Path) -> Iterator[None]:
    """Make a folder importable; afterwards forget that, and what was imported from there."""
    path, argv, quiet = list(sys.path), list(sys.argv), sys.dont_write_bytecode
    before = set(sys.modules)
    sys.path.insert(0, str(folder))
    sys.dont_write_bytecode = True
    importlib.invalidate_caches()
    try:
        yield
    finally:
        sys.path[:], sys.argv[:], sys.dont_write_bytecode = path, argv, quiet
        for name in set(sys.modules) - before:
            if lies_in(getattr(sys.modules[name], "__file__", None), folder):
                del sys.modules[name]
