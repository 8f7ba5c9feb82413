"""From the target's text to the application: `package.module:callable` or `package.module:factory(…)`."""

from __future__ import annotations

import ast
import importlib
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

from .errors import TargetError


def import_app(target: str) -> Any:
    """The application that the target names; a factory is called, with literal arguments only.

    Raises:
        TargetError: it names none.
        ImportError: its module is not there.
    """
    module_name, _, text = target.partition(":")
    module = import_module(module_name, text)
    expression = parse(text)
    name = expression.func if isinstance(expression, ast.Call) else expression
    if isinstance(expression, ast.Call) and not isinstance(name, ast.Name):
        raise TargetError(f"Function reference must be a simple name: {text!r}")
    if not isinstance(name, ast.Name):
        raise TargetError(f"Failed to parse {text!r} as an attribute name or function call.")
    if not hasattr(module, name.id):
        raise TargetError(f"Failed to find attribute {name.id!r} in {module_name!r}.")
    app = getattr(module, name.id)
    if isinstance(expression, ast.Call):
        app = call(app, expression, text)
    if app is None:
        raise TargetError(f"Failed to find application object: {text!r}")
    if not callable(app):
        raise TargetError("Application object must be callable.")
    return app


def import_module(name: str, text: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ImportError:
        if name.endswith(".py") and Path(name).exists():
            meant = f"{name.removesuffix('.py')}:{text}"
            raise ImportError(f"Failed to find application, did you mean '{meant}'?") from None
        raise


def parse(text: str) -> ast.expr:
    try:
        return ast.parse(text, mode="eval").body
    except SyntaxError:
        raise TargetError(f"Failed to parse {text!r} as an attribute name or function call.") from None


def call(factory: Callable[..., Any], expression: ast.Call, text: str) -> Any:
    """What the factory makes of its arguments."""
    try:
        positional = [ast.literal_eval(each) for each in expression.args]
        named = {each.arg: ast.literal_eval(each.value) for each in expression.keywords if each.arg}
    except ValueError:
        raise TargetError(f"Failed to parse arguments as literal values: {text!r}") from None
    try:
        return factory(*positional, **named)
    except TypeError as error:
        is_call_itself = error.__traceback__ is not None and error.__traceback__.tb_next is None
        if is_call_itself:
            raise TargetError(f"TypeError: {error}") from None
        raise
