"""Jinja2 templates over the columns of a row, in the evaluation harness's manner, in a sandbox.

`{{question}}` is a column, `{{choices.text}}` a part of one, `{{row['my column']}}` one whose name is no word. A filter
`regex_replace` is there as in the harness, and `parsed` reads a list or mapping that a file holds as text.
"""

import ast
import json
import math
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from jinja2 import StrictUndefined, TemplateSyntaxError, Undefined, UndefinedError, meta, nodes
from jinja2.exceptions import TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

Row = Mapping[str, Any]
UNDEFINED = "; its columns are "
"""How a message goes on that names a column which is not there."""

# What an expression of a user's own may raise while it looks at a row.
_FAILURES = (
    TemplateError, TypeError, ValueError, ArithmeticError, LookupError, AttributeError, RecursionError, MemoryError,
)  # fmt: skip


def check_template(source: str) -> None:
    """Raise ValueError where `source` is no template, or has the look of one in another language."""
    try:
        tree = _environment().parse(source)
    except TemplateSyntaxError as error:
        raise ValueError(f"is not a template: {error.message}") from None
    constant = not any(True for _ in tree.find_all((nodes.Name, nodes.Call)))
    if constant and (single := re.search(r"(?<!\{)\{(\w+)\}(?!\})", source)):
        raise ValueError(f"holds no column; a column is written {{{{{single[1]}}}}}, with two braces")


def rendered(source: str, row: Row) -> str:
    """Return the text a template makes of a row. Raises ValueError that says what is wrong, and lists the columns."""
    _refuse_bare_column(source, row)
    try:
        return str(_template(source).render(_names(row)))
    except _FAILURES as error:
        raise ValueError(_message(source, row, error)) from error


def evaluated(source: str, row: Row) -> Any:
    """Return the value of a template that is one `{{expression}}`, of any kind; of others the text.

    Raises ValueError as `rendered` does.
    """
    expression = _expression(source)
    if expression is None:
        return rendered(source, row)
    try:
        value = _compiled(expression)(_names(row))
        return str(value) if isinstance(value, Undefined) else _not_null(value)  # str of an undefined one raises
    except _FAILURES as error:
        raise ValueError(_message(source, row, error)) from error


def columns_of(source: str) -> set[str]:
    """Return the names of the columns that a template reads."""
    return set(meta.find_undeclared_variables(_environment().parse(source))) - {"row"}


def literal(text: str) -> Any:
    """Return what a text in JSON or Python says. Raises ValueError."""
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        try:
            return ast.literal_eval(text)
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            raise ValueError(f"{text!r:.60} is neither a JSON nor a Python list") from None
    except RecursionError:
        raise ValueError(f"{text!r:.60} is nested too deep") from None


def _message(source: str, row: Row, error: Exception) -> str:
    said = " ".join(str(error).split()) or type(error).__name__
    columns = f"{UNDEFINED}{', '.join(map(str, row))}" if isinstance(error, UndefinedError) else ""
    shown = source if len(source) <= 80 else source[:77] + "..."
    return f"{said} (in {shown!r}){columns}"


def _refuse_bare_column(source: str, row: Row) -> None:
    if source in row:
        raise ValueError(f"{source!r} is the text itself; the column of that name is written {{{{{source}}}}}")


def _names(row: Row) -> dict[str, Any]:
    return {"row": row, **row}


def _not_null(value: Any) -> Any:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        raise ValueError("a column is empty (null)")
    return value


def _expression(source: str) -> str | None:
    """Return the expression of a template that is nothing but one `{{expression}}`."""
    stripped = source.strip()
    body = _environment().parse(stripped).body
    if len(body) != 1 or not isinstance(body[0], nodes.Output) or len(body[0].nodes) != 1:
        return None
    return None if isinstance(body[0].nodes[0], nodes.TemplateData) else stripped[2:-2].strip("-+ \n\t")


@lru_cache(maxsize=1)
def _environment() -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(
        undefined=StrictUndefined, keep_trailing_newline=True, finalize=_not_null, autoescape=False
    )
    environment.filters |= {"regex_replace": _regex_replace, "parsed": literal}
    return environment


@lru_cache(maxsize=64)
def _template(source: str) -> Any:
    return _environment().from_string(source)


@lru_cache(maxsize=64)
def _compiled(expression: str) -> Any:
    return _environment().compile_expression(expression, undefined_to_none=False)


def _regex_replace(text: str, pattern: str, replacement: str, count: int = 0) -> str:
    return re.sub(pattern, replacement, text, count=count)
