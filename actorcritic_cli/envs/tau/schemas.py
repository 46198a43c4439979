"""Short words for the JSON schemas of tool parameters. Every parameter of every tool is required."""

from __future__ import annotations

from typing import Any

from actorcritic_cli.types import Effect, ToolSpec

Schema = dict[str, Any]


def string(description: str, *choices: str) -> Schema:
    """Return the schema of a text, of one of ``choices`` if there are any."""
    schema: Schema = {"type": "string", "description": description}
    return {**schema, "enum": list(choices)} if choices else schema


def strings(description: str) -> Schema:
    """Return the schema of an array of texts."""
    return {"type": "array", "description": description, "items": {"type": "string"}}


def integer(description: str) -> Schema:
    """Return the schema of a whole number."""
    return {"type": "integer", "description": description}


def number(description: str) -> Schema:
    """Return the schema of a number."""
    return {"type": "number", "description": description}


def objects(description: str, **properties: Schema) -> Schema:
    """Return the schema of an array of objects with these properties."""
    return {"type": "array", "description": description, "items": _object(properties)}


def spec(name: str, description: str, effect: Effect, **parameters: Schema) -> ToolSpec:
    """Return the specification of a tool."""
    return ToolSpec(name, description, _object(parameters), effect)


def _object(properties: dict[str, Schema]) -> Schema:
    return {"type": "object", "properties": properties, "required": list(properties)}
