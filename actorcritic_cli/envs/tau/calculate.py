"""Arithmetic as Python does it, without running Python: the tool ``calculate``.

The expression is parsed to a syntax tree (which gives Python's own words for what is wrong with it) and the tree is worked
out here, operator by operator. No name can occur in it, nothing is executed, and whole numbers are kept below a size
that takes no time: ``9**9**9`` is refused with the words Python has for a number that no float can hold.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable
from typing import Any

ALLOWED = "0123456789+-*/(). "
MAX_LENGTH = 4000
"""Characters of an expression; far beyond what an agent needs, and below what strains the parser."""
MAX_BITS = 100_000
"""Size of a whole number on the way to the result. A float ends at 1,024 bits; quotients of larger ones are allowed."""

_UNARY: dict[type[ast.unaryop], Callable[[Any], Any]] = {ast.UAdd: operator.pos, ast.USub: operator.neg}
_BINARY: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Pow: operator.pow,
}


class InvalidCharacters(ValueError):
    """The expression holds a character that is not allowed. The versions of the benchmark word this differently."""


def calculate(expression: str) -> str:
    """Return the value of an arithmetic expression as a float rounded to two decimals, in text form.

    Raises ``InvalidCharacters``, or with Python's own text ``SyntaxError``, ``ArithmeticError``, ``TypeError`` …

    >>> calculate("2.675 * (1 + 1) // 3")
    '1.0'
    """
    if not all(character in ALLOWED for character in expression):
        raise InvalidCharacters("invalid characters in expression")
    if not isinstance(expression, str):  # a list of such characters: what an agent sends is unchecked
        raise TypeError("eval() arg 1 must be a string, bytes or code object")
    if len(expression) > MAX_LENGTH:
        raise ValueError(f"expression is longer than {MAX_LENGTH} characters")
    tree = ast.parse(expression.lstrip(" "), "<string>", "eval")
    return str(round(float(_value(tree.body)), 2))


def _value(tree: ast.expr) -> Any:
    """Work out a tree in Python's order, with a stack of its own: long sums are deep trees."""
    todo: list[ast.AST | int] = [tree]
    values: list[Any] = []
    while todo:
        node = todo.pop()
        if isinstance(node, int):  # a call with so many arguments: ``2(3)`` is well-formed, but no number can be called
            raise TypeError(f"'{type(values[-1 - node]).__name__}' object is not callable")
        if isinstance(node, ast.BinOp):
            todo += (node.op, node.right, node.left)
        elif isinstance(node, ast.UnaryOp):
            todo += (node.op, node.operand)
        elif isinstance(node, ast.Constant):
            values.append(node.value)
        elif isinstance(node, ast.unaryop):
            values.append(_UNARY[type(node)](values.pop()))
        elif isinstance(node, ast.operator):
            right, left = values.pop(), values.pop()
            values.append(_binary(node, left, right))
        elif isinstance(node, ast.Call):
            todo += (len(node.args), *reversed(node.args), node.func)
        elif isinstance(node, ast.Tuple) and not node.elts:
            values.append(())
        else:  # stars inside brackets; the allowed characters spell nothing else
            raise SyntaxError("invalid syntax")
    return values.pop()


def _binary(node: ast.operator, left: Any, right: Any) -> Any:
    if isinstance(left, int) and isinstance(right, int):
        bits = 0
        if isinstance(node, ast.Pow) and right > 0 and abs(left) > 1:
            bits = left.bit_length() * right
        elif isinstance(node, ast.Mult):
            bits = left.bit_length() + right.bit_length()
        if bits > MAX_BITS:
            raise OverflowError("int too large to convert to float")
    return _BINARY[type(node)](left, right)
