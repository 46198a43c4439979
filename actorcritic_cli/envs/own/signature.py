"""A typed function with a docstring as a tool: what the model is told of it, and how it is called.

The types of the parameters are the JSON schema *and* what arguments are checked against (both by msgspec), so the model
is never told anything that is not enforced. The state of the session is a parameter that the model does not see.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from typing import Any, get_type_hints

import msgspec
from msgspec import Struct

from actorcritic_cli.envs.own.api import MARK, Mark
from actorcritic_cli.types import ToolSpec

STATE = "state"
"""The name by which any function of the file may ask for the session's state."""

_ARGS = re.compile(r"^(?:Args|Arguments|Parameters):\s*$")
_SECTION = re.compile(r"^[A-Z]\w+:\s*$")
_ENTRY = re.compile(r"^\s+\*{0,2}(\w+)(?:\s*\([^)]*\))?:\s*(.*)$")


class NotATool(Exception):
    """A function cannot be a tool; the text says why and what to do."""


class OwnTool(Struct, frozen=True):
    """A tool and its function. ``arguments`` is the type that arguments are converted to before the call."""

    spec: ToolSpec
    function: Callable[..., Any]
    arguments: type[Struct]
    state: str | None = None
    """The parameter that gets the session's state."""
    transfer: bool = False

    def call(self, state: Any, arguments: dict[str, Any]) -> Any:
        """Call the function. Raises ``msgspec.ValidationError`` for arguments that do not fit, and what it raises."""
        given = msgspec.convert(arguments, self.arguments)
        named = {field: getattr(given, field) for field in self.arguments.__struct_fields__}
        if self.state is not None:
            named[self.state] = state
        return self.function(**named)


def tool_of(function: Callable[..., Any], state_type: Any = None) -> OwnTool:
    """Return a marked function as a tool. Raises ``NotATool``.

    The state is passed to the parameter called ``state``, or to one of the type ``state_type``.
    """
    mark: Mark = getattr(function, MARK)
    if inspect.iscoroutinefunction(function):
        raise NotATool("it is async; write it as a plain function (def)")
    hints = _hints(function)
    text, described = read_docstring(inspect.getdoc(function) or "")
    if not text:
        raise NotATool("it has no docstring; its first paragraph is what the model is told of the tool")
    fields: list[Any] = []
    state: str | None = None
    parameters = inspect.signature(function).parameters
    for name, parameter in parameters.items():
        if parameter.kind not in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
            raise NotATool(f"its parameter '{name}' cannot be named in a call; use plain parameters only")
        if name == STATE or (state_type is not None and hints.get(name) is state_type):
            state = name
        elif name not in hints:
            raise NotATool(f"its parameter '{name}' has no type; write one, such as {name}: str")
        elif parameter.default is parameter.empty:
            fields.append((name, hints[name]))
        else:
            fields.append((name, hints[name], _default(parameter.default)))
    unknown = [name for name in described if name not in parameters]
    if unknown:
        raise NotATool(f"its docstring describes '{unknown[0]}', which is no parameter of it")
    try:
        arguments = msgspec.defstruct(function.__name__, fields, forbid_unknown_fields=True, kw_only=True)
        schema = parameters_schema(arguments, described)
    except TypeError as error:
        raise NotATool(f"its types are no JSON ({error}); use str, int, float, bool, list, dict, Literal …") from error
    return OwnTool(ToolSpec(function.__name__, text, schema, mark.effect), function, arguments, state, mark.transfer)


def read_docstring(text: str) -> tuple[str, dict[str, str]]:
    """Return a docstring's first paragraph, on one line, and what its ``Args:`` section says of each parameter.

    >>> read_docstring("Close a ticket.\\n\\nArgs:\\n    note: What was done,\\n        in a sentence.")
    ('Close a ticket.', {'note': 'What was done, in a sentence.'})
    """
    lines = inspect.cleandoc(text).split("\n")
    first: list[str] = []
    for line in lines:
        if not line.strip() or _SECTION.match(line):
            break
        first.append(line.strip())
    described: dict[str, str] = {}
    inside, entry, depth = False, "", 0
    for line in lines:
        if _ARGS.match(line):
            inside = True
        elif line.strip() and not line.startswith((" ", "\t")):
            inside = False
        elif inside and line.strip():
            indent = len(line) - len(line.lstrip())
            match = _ENTRY.match(line)
            if match and (not entry or indent <= depth):
                entry, depth = match[1], indent
                described[entry] = match[2].strip()
            elif entry:
                described[entry] = f"{described[entry]} {line.strip()}".strip()
    return " ".join(first), described


def parameters_schema(arguments: type[Struct], described: dict[str, str]) -> dict[str, Any]:
    """Return the JSON schema of a tool's arguments, without references (not every provider resolves them).

    Raises ``TypeError`` for types without a schema, and for one that contains itself.
    """
    (top,), components = msgspec.json.schema_components([arguments], ref_template="{name}")
    schema = _inlined(top, components, ())
    properties = schema.get("properties", {})
    for name, text in described.items():
        if name in properties and text:
            properties[name] = {"description": text} | properties[name]
    return {
        "type": "object",
        "properties": properties,
        "required": schema.get("required", []),
        "additionalProperties": False,
    }


def _inlined(schema: Any, components: dict[str, Any], inside: tuple[str, ...]) -> Any:
    if isinstance(schema, list):
        return [_inlined(item, components, inside) for item in schema]
    if not isinstance(schema, dict):
        return schema
    name = schema.get("$ref")
    if isinstance(name, str):
        if name in inside:
            raise TypeError(f"{name} contains itself")
        rest = {key: value for key, value in schema.items() if key != "$ref"}
        found: dict[str, Any] = _inlined(components[name], components, (*inside, name))
        return found | rest
    return {
        key: value if key in ("default", "enum") else _inlined(value, components, inside)
        for key, value in schema.items()
        if not (key == "title" and isinstance(value, str))
    }


def _hints(function: Callable[..., Any]) -> dict[str, Any]:
    try:
        return get_type_hints(function, include_extras=True)
    except Exception as error:  # a type is any expression
        raise NotATool(f"its types cannot be read ({error})") from error


def _default(value: Any) -> Any:
    """Return a parameter's default as a field's: mutable ones are made anew for every call."""
    if isinstance(value, (list, dict, set)):
        return msgspec.field(default_factory=lambda: type(value)(value))
    return value
