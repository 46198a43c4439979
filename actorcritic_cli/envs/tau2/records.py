"""Records as τ²-bench types them: a fixed order of fields, coerced values, absent optional fields as ``null``.

The tools work on plain dictionaries, as in v1; what v2 adds is the form these have. So the types below say what a record
looks like, and ``typed`` brings one into that form: on loading, and where a tool builds a new one.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec
from msgspec import Struct


def typed(kind: Any, value: Any) -> Any:
    """Return a JSON value in the form of a type: fields in its order, numbers and digit strings coerced, unknown keys left
    out. Raises ``msgspec.ValidationError`` (a ``ValueError``)."""
    return msgspec.to_builtins(msgspec.convert(value, kind, strict=False))


class Name(Struct):
    """A person's name."""

    first_name: str
    last_name: str


class Address(Struct):
    """Where somebody lives, or an order goes."""

    address1: str
    address2: str
    city: str
    country: str
    state: str
    zip: str


class CreditCard(Struct, tag_field="source", tag="credit_card"):
    """A credit card of a profile."""

    id: str
    brand: str
    last_four: str


# Airline


class Available(Struct, tag_field="status", tag="available"):
    """A day on which a flight can be booked: seats and prices by cabin."""

    available_seats: dict[str, int]
    prices: dict[str, int]


class Landed(Struct, tag_field="status", tag="landed"):
    """A day on which a flight has landed."""

    actual_departure_time_est: str
    actual_arrival_time_est: str


class Cancelled(Struct, tag_field="status", tag="cancelled"):
    """A day on which a flight does not go."""


class OnTime(Struct, tag_field="status", tag="on time"):
    """A day on which a flight will leave as planned."""

    estimated_departure_time_est: str
    estimated_arrival_time_est: str


class Delayed(Struct, tag_field="status", tag="delayed"):
    """A day on which a flight will leave late."""

    estimated_departure_time_est: str
    estimated_arrival_time_est: str


class Flying(Struct, tag_field="status", tag="flying"):
    """A day on which a flight is in the air."""

    actual_departure_time_est: str
    estimated_arrival_time_est: str


class Flight(Struct):
    """A flight with all its days."""

    flight_number: str
    origin: str
    destination: str
    scheduled_departure_time_est: str
    scheduled_arrival_time_est: str
    dates: dict[str, Available | Landed | Cancelled | OnTime | Delayed | Flying]


class SegmentWish(Struct):
    """A segment as the agent asks for it."""

    flight_number: str
    date: str


class Segment(Struct):
    """A segment of a reservation."""

    flight_number: str
    origin: str
    destination: str
    date: str
    price: int


class Passenger(Struct):
    """Somebody who flies."""

    first_name: str
    last_name: str
    dob: str


class Payment(Struct):
    """An entry of a reservation's payment history; refunds are negative."""

    payment_id: str
    amount: int


class Reservation(Struct):
    """A reservation."""

    reservation_id: str
    user_id: str
    origin: str
    destination: str
    flight_type: Literal["round_trip", "one_way"]
    cabin: Literal["business", "economy", "basic_economy"]
    flights: list[Segment]
    passengers: list[Passenger]
    payment_history: list[Payment]
    created_at: str
    total_baggages: int
    nonfree_baggages: int
    insurance: Literal["yes", "no"]
    status: Literal["cancelled"] | None = None


class AirlineGiftCard(Struct, tag_field="source", tag="gift_card"):
    """A gift card of a passenger's profile."""

    id: str
    amount: float


class Certificate(Struct, tag_field="source", tag="certificate"):
    """A travel certificate."""

    id: str
    amount: float


class AirlineUser(Struct):
    """A customer of the airline."""

    user_id: str
    name: Name
    address: Address
    email: str
    dob: str
    payment_methods: dict[str, CreditCard | AirlineGiftCard | Certificate]
    saved_passengers: list[Passenger]
    membership: Literal["gold", "silver", "regular"]
    reservations: list[str]


# Retail


class Variant(Struct):
    """A variant of a product."""

    item_id: str
    options: dict[str, str]
    available: bool
    price: float


class Product(Struct):
    """A product."""

    name: str
    product_id: str
    variants: dict[str, Variant]


class Item(Struct):
    """An item of an order."""

    name: str
    product_id: str
    item_id: str
    price: float
    options: dict[str, str]


class Fulfillment(Struct):
    """A parcel."""

    tracking_id: list[str]
    item_ids: list[str]


class OrderPayment(Struct):
    """An entry of an order's payment history."""

    transaction_type: Literal["payment", "refund"]
    amount: float
    payment_method_id: str


class Order(Struct):
    """An order; the fields from ``cancel_reason`` on are what tools add."""

    order_id: str
    user_id: str
    address: Address
    items: list[Item]
    status: str
    fulfillments: list[Fulfillment]
    payment_history: list[OrderPayment]
    cancel_reason: str | None = None
    exchange_items: list[str] | None = None
    exchange_new_items: list[str] | None = None
    exchange_payment_method_id: str | None = None
    exchange_price_difference: float | None = None
    return_items: list[str] | None = None
    return_payment_method_id: str | None = None


class RetailGiftCard(Struct, tag_field="source", tag="gift_card"):
    """A gift card of a shopper's profile."""

    id: str
    balance: float


class Paypal(Struct, tag_field="source", tag="paypal"):
    """A PayPal account."""

    id: str


class RetailUser(Struct):
    """A customer of the shop."""

    user_id: str
    name: Name
    address: Address
    email: str
    payment_methods: dict[str, CreditCard | RetailGiftCard | Paypal]
    orders: list[str]
