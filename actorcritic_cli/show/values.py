"""How single values are written in tables and stories: times, numbers, and what is not known."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from actorcritic_cli.analysis.shares import Estimate
from actorcritic_cli.text import one_line
from actorcritic_cli.types import Verdict

UNKNOWN = "–"
"""What stands where a value is not known; never 0."""

TOO_FEW = "(too few)"
"""Beside a value of which so few cases can tell nothing; why is said once below."""

_FIRST_KNOWN_TIME = 365 * 86400.0
"""Recordings without times are numbered in seconds from the beginning of 1970, when no session can have been held."""


def when(at: float | None) -> str:
    """Return a time in words of the local zone; ``–`` for the unknown times of imported recordings."""
    if at is None or not knows_time(at):
        return UNKNOWN
    return datetime.fromtimestamp(at).strftime("%Y-%m-%d %H:%M:%S")


def knows_time(at: float | None) -> bool:
    """Whether a recorded time is one, and not the place in an imported file that had no times."""
    return at is not None and at >= _FIRST_KNOWN_TIME


def seconds(value: float | None) -> str:
    """Return a duration: ``12 ms``, ``3.4 s``.

    >>> seconds(0.0123), seconds(3.42), seconds(None)
    ('12 ms', '3.4 s', '–')
    """
    if value is None:
        return UNKNOWN
    return f"{value * 1000:.0f} ms" if value < 1 else f"{value:.1f} s"


def dollars(value: float | None) -> str:
    """Return a cost in US dollars; ``unknown`` is never 0."""
    return "unknown" if value is None else f"${value:.4f}"


def share(value: float | None) -> str:
    """Return a number in [0, 1] to three decimals, without the zero before the point.

    >>> share(0.42), share(1.0), share(0.0), share(None)
    ('.420', '1.000', '.000', '–')
    """
    return UNKNOWN if value is None else f"{value:.3f}".removeprefix("0")


def estimate(found: Estimate) -> str:
    """Return a measured share with its interval, or that there are too few cases for one."""
    if found.value is None:
        return UNKNOWN
    if found.low is None or found.high is None:
        return f"{share(found.value)} {TOO_FEW}" if found.lacking else share(found.value)
    return f"{share(found.value)} [{share(found.low)}, {share(found.high)}]"


def member_texts(verdict: Verdict) -> list[str]:
    """Return what each member of a panel said, in a few words; nothing for a verdict that is no panel's."""
    members = verdict.detail.get("members")
    return [_member_text(member) for member in members if isinstance(member, dict)] if isinstance(members, list) else []


def _member_text(member: dict[str, Any]) -> str:
    name, p_revise = one_line(str(member.get("name", "?")), 40), member.get("p_revise")
    if member.get("kind") == "no_verdict":
        return f"{name} no verdict ({member.get('why')})"
    word = "objects" if member.get("kind") == "revise" else "approves"
    return f"{name} {word}" + (f" {p_revise:.3f}" if isinstance(p_revise, int | float) else "")


def signed(value: float | None, places: int = 3) -> str:
    """Return a difference with its sign, without the zero before the point.

    >>> signed(0.123), signed(-0.05), signed(0.0), signed(12.0, 0)
    ('+.123', '-.050', '.000', '+12')
    """
    if value is None:
        return UNKNOWN
    text = f"{abs(value):,.{places}f}"
    sign = "" if not float(text.replace(",", "")) else "+" if value > 0 else "-"
    return sign + (text.removeprefix("0") if places else text)


def several(count: int, noun: str) -> str:
    """Return a number with its noun.

    >>> several(1, "session"), several(1200, "session")
    ('1 session', '1,200 sessions')
    """
    return f"{count:,} {noun}" + ("" if count == 1 else "s")
