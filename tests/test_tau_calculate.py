"""``calculate`` answers as Python would, and runs nothing."""

from __future__ import annotations

import warnings

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from actorcritic_cli.envs.tau.calculate import MAX_LENGTH
from tests.tau_small import environment

EPISODE = environment().open(None)


def answer(expression: object) -> str:
    return EPISODE.call("calculate", {"expression": expression}).text


def python(expression: str) -> str:
    """What Python makes of an expression (of the allowed characters only, without powers)."""
    assert set(expression) <= set("0123456789+-*/(). ")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return str(round(float(eval(expression, {"__builtins__": None}, {})), 2))
        except Exception as error:
            return f"Error: {error}"


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        ("2 + 2", "4.0"),
        ("1/3", "0.33"),
        ("0.125", "0.12"),
        ("2.675", "2.67"),
        ("-0.001", "-0.0"),
        ("10**18", "1e+18"),
        ("  7 // 2", "3.0"),
        ("--3", "3.0"),
        ("2**-1", "0.5"),
        ("2**40000 // 2**39999", "2.0"),
        ("1/0", "Error: division by zero"),
        ("1/0.0", "Error: float division by zero"),
        ("1+", "Error: invalid syntax (<string>, line 1)"),
        ("(1", "Error: '(' was never closed (<string>, line 1)"),
        ("10**400", "Error: int too large to convert to float"),
        ("9**9**9**9", "Error: int too large to convert to float"),
        ("(-9)**9**9", "Error: int too large to convert to float"),
        ("1**9**9", "1.0"),
        ("2(3)", "Error: 'int' object is not callable"),
        ("2(1/0)", "Error: division by zero"),
        ("(1/2)(3)", "Error: 'float' object is not callable"),
    ],
)
@pytest.mark.filterwarnings("ignore::SyntaxWarning")
def test_results_and_complaints_are_those_of_python(expression: str, text: str) -> None:
    assert answer(expression) == text


@pytest.mark.parametrize("expression", ["1,000", "5%", "$5", "x", "1=1", "1\n+1", "１", "__import__('os')"])
def test_other_characters_are_refused(expression: str) -> None:
    assert answer(expression) == "Error: invalid characters in expression"


def test_something_that_is_no_text_is_an_error_and_not_a_crash() -> None:
    assert answer(5) == "Error: 'int' object is not iterable"
    assert answer(["1", "+"]) == "Error: eval() arg 1 must be a string, bytes or code object"


def test_a_thousand_summands_add_up() -> None:
    assert answer("+".join(["1"] * 1000)) == "1000.0"
    assert answer("-" * 1000 + "1") == "1.0"


def test_an_endless_expression_is_refused() -> None:
    assert answer("1" * (MAX_LENGTH + 1)).startswith("Error: expression is longer")
    assert answer("(" * 300 + "1" + ")" * 300) == "Error: too many nested parentheses (<string>, line 1)"


def test_products_stay_bounded() -> None:
    assert answer("*".join(["9**9999"] * 100)) == "Error: int too large to convert to float"


NUMBERS = st.sampled_from(["0", "1", "2", "07", "10", "0.5", "3.", ".25", "99999999999999999999", "..."])
TOKENS = st.one_of(NUMBERS, st.sampled_from(["+", "-", "*", "/", "//", "(", ")", " ", "()", "."]))


@given(st.lists(TOKENS, max_size=12))
@example(["-", "()"])
@example(["()", "+", "1"])
@example([])
def test_any_expression_gives_what_python_gives(tokens: list[str]) -> None:
    expression = "".join(tokens).replace("**", "*")
    if "(*" in expression.replace(" ", ""):
        return  # stars before arguments are no arithmetic; Python has many words for them
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert answer(expression) == python(expression)


@given(st.text(alphabet="0123456789+-*/(). ", max_size=40))
@pytest.mark.filterwarnings("ignore::SyntaxWarning")
def test_any_text_of_allowed_characters_gets_an_answer(expression: str) -> None:
    text = answer(expression)
    assert text.startswith("Error: ") or float(text) == float(text) or text == "nan"
