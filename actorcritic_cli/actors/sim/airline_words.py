"""The airline's service talk: what is asked before a call, how a customer asks for it, what is said of it, what forbids."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from actorcritic_cli.actors.sim.desk import Question, Refusal

_PAID = r"\b(?:cards?|certificates?|visa|mastercard|pay with)\b"
_REASON = (
    r"\b(?:because|reason|plans|changed|ill|flu|sick|weather|called off|not suit|no longer|came up|cancelled|rather)\b"
)

QUESTIONS: dict[str, tuple[Question, ...]] = {
    "book_reservation": (
        Question("Is it one way or a round trip, and on which dates?", r"one[- ]way|return|round|back"),
        Question("Which cabin would you like, and which flights do you prefer?", r"economy|business"),
        Question(
            "Who are the passengers?", r"\b(?:only|just) me\b|\balone\b|companion|for me and|my wife|passengers?\b"
        ),
        Question("How many bags will be checked?", r"\bbags?\b"),
        Question("Would you like travel insurance for $30 per passenger?", r"insur"),
        Question(
            "Which payment methods shall be used? (One booking takes at most one certificate, one credit card and three "
            "gift cards, and what is left on a certificate is lost.)",
            _PAID,
        ),
    ),
    "update_reservation_flights": (
        Question(
            "Which flights, dates and cabin would you like instead?", r"\b\d{1,2}(?:st|nd|rd|th)?\b|economy|business"
        ),
        Question("Which payment method shall settle the difference: a gift card or a credit card?", _PAID),
    ),
    "update_reservation_baggages": (
        Question(
            "How many bags shall be added?", r"\b(?:one|two|three|four|five|\d) (?:more )?(?:checked )?bags?|bags"
        ),
        Question("Which payment method shall be used if something is to be paid?", _PAID),
    ),
    "update_reservation_passengers": (
        Question(
            "What are the passenger's right first name, last name and date of birth?", r"\bnot \w+|in (?:her|his) place"
        ),
    ),
    "cancel_reservation": (Question("What is the reason for the cancellation?", _REASON),),
}
"""Writing tool → what must be known before it is called."""

REFUSALS = (
    Refusal(
        r"\binsur\w+.{0,60}\b(?:add|forgot)|\b(?:add|forgot).{0,40}insur",
        "R4.7",
        "insurance is sold with the booking and never later",
    ),
    Refusal(r"\bsix\b|\bfive saved\b", "R3.2", "a reservation has five passengers at most"),
    Refusal(
        r"\bthird passenger|\badd \w+ to\b",
        "R4.8",
        "the number of passengers of a reservation stays as it is, and colleagues cannot alter it either",
    ),
    Refusal(r"\bbags?\b", "R4.6", "bags can be added but not taken off"),
    Refusal(
        r"compensat|voucher",
        "R6.2",
        "compensation is for silver and gold members, insured reservations and business reservations only",
    ),
    Refusal(
        r"\bcancel(?!led)",
        "R5.2",
        "a reservation can be cancelled only within 24 hours of booking, when we have cancelled one of its flights, in "
        "business, or when it is insured and the reason is illness or bad weather",
    ),
    Refusal(
        r"\b(?:move|change|another day|instead|date)\b",
        "R4.2",
        "the flights and dates of a basic economy reservation are fixed",
    ),
)
"""The first whose words fit a request stands against it."""

TOPICS: Mapping[str, str] = {
    "book_reservation": r"\bbook(?!ed)|\bfly\b|\bget (?:from|to)\b|\btrip\b|\bgo from\b|\bflight from\b",
    "update_reservation_flights": r"\b(?:move|change|upgrade|business|economy|earlier|later|instead|another day)\b",
    "update_reservation_baggages": r"\bbags?\b|baggage|suitcase|luggage",
    "update_reservation_passengers": r"\bname\b|mistake|misspel|in \w+ place|passenger|instead of|comes? with",
    "cancel_reservation": r"\bcancel|\brefund|money back|not fly",
    "send_certificate": r"compensat|voucher|certificate",
}
"""Writing tool → pattern of the words with which a customer asks for it."""


def done(name: str, arguments: dict[str, Any]) -> str:
    """Return a sentence that says that a call has been made."""
    reservation = arguments.get("reservation_id", "")
    return {
        "book_reservation": "Your trip has been booked.",
        "cancel_reservation": f"Reservation {reservation} has been cancelled.",
        "send_certificate": f"A certificate of ${arguments.get('amount', '')} has been sent.",
        "update_reservation_flights": f"The flights of reservation {reservation} have been updated.",
        "update_reservation_baggages": f"The bags of reservation {reservation} have been updated.",
    }.get(name, f"The passengers of reservation {reservation} have been updated.")


def same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two segments are the same flight on the same day."""
    return all(one[key] == other[key] for key in ("flight_number", "date"))


def cabin(given: Mapping[str, Any]) -> str:
    """Return the cabin of a call as words."""
    return str(given["cabin"]).replace("_", " ")


def flights(given: Mapping[str, Any]) -> str:
    """Return the flights of a call as words."""
    return " and ".join(f"{f['flight_number']} of {f['date']}" for f in given["flights"])


def names(given: Mapping[str, Any]) -> str:
    """Return the passengers of a call as words."""
    return " and ".join(f"{p['first_name']} {p['last_name']}" for p in given.get("passengers", ()))


def plain(amount: float) -> str:
    """Return an amount without needless zeros."""
    return f"{amount:.2f}".rstrip("0").rstrip(".")
