"""What the model is told of the airline's tools: names, types and order as in τ-bench v1, wording our own."""

from __future__ import annotations

from actorcritic_cli.envs.tau.schemas import integer, number, objects, spec, string

CABINS = ("basic_economy", "economy", "business")

_USER = string("The customer's user id, such as 'anna_berg_4711'.")
_RESERVATION = string("The reservation's id: six characters, such as 'Q4X7ZT'.")
_ORIGIN = string("Airport code of the place of departure, such as 'BOS'.")
_DESTINATION = string("Airport code of the destination, such as 'DEN'.")
_DATE = string("The day of departure as YYYY-MM-DD.")
_PAYMENT = string("Id of the payment method, as the customer's profile lists it, such as 'gift_card_1234567'.")
_SEGMENT = {
    "flight_number": string("The flight's number, such as 'HAT042'."),
    "date": string("The day of this segment as YYYY-MM-DD."),
}
_PASSENGER = {
    "first_name": string("Given name."),
    "last_name": string("Family name."),
    "dob": string("Date of birth as YYYY-MM-DD."),
}

BOOK_RESERVATION = spec(
    "book_reservation",
    "Book a new reservation for a customer and take the payment.",
    "write",
    user_id=_USER,
    origin=_ORIGIN,
    destination=_DESTINATION,
    flight_type=string("Whether the trip includes the way back.", "one_way", "round_trip"),
    cabin=string("The cabin of all segments and passengers.", *CABINS),
    flights=objects("All segments of the trip, in order.", **_SEGMENT),
    passengers=objects("Everyone who travels.", **_PASSENGER),
    payment_methods=objects(
        "How the whole price is paid; the amounts must add up to it.",
        payment_id=_PAYMENT,
        amount=number("The part paid this way, in dollars."),
    ),
    total_baggages=integer("How many bags are checked in, free ones included."),
    nonfree_baggages=integer("How many of these bags have to be paid for."),
    insurance=string("Whether travel insurance is bought.", "yes", "no"),
)
CANCEL_RESERVATION = spec(
    "cancel_reservation",
    "Cancel a whole reservation and refund it to where the money came from.",
    "write",
    reservation_id=_RESERVATION,
)
GET_RESERVATION_DETAILS = spec(
    "get_reservation_details",
    "Look up a reservation: its segments, passengers, bags and payments.",
    "read",
    reservation_id=_RESERVATION,
)
GET_USER_DETAILS = spec(
    "get_user_details",
    "Look up a customer's profile: address, membership, payment methods and reservations.",
    "read",
    user_id=_USER,
)
LIST_ALL_AIRPORTS = spec("list_all_airports", "List the airports served, as code and city.", "read")
SEARCH_DIRECT_FLIGHT = spec(
    "search_direct_flight",
    "Find the flights without a stop between two airports on one day, with seats and prices.",
    "read",
    origin=_ORIGIN,
    destination=_DESTINATION,
    date=_DATE,
)
SEARCH_ONESTOP_FLIGHT = spec(
    "search_onestop_flight",
    "Find the connections with one stop between two airports that start on one day, with seats and prices.",
    "read",
    origin=_ORIGIN,
    destination=_DESTINATION,
    date=_DATE,
)
SEND_CERTIFICATE = spec(
    "send_certificate",
    "Give a customer a travel certificate as compensation. Mind who is entitled to one.",
    "write",
    user_id=_USER,
    amount=number("The certificate's value in dollars."),
)
UPDATE_RESERVATION_BAGGAGES = spec(
    "update_reservation_baggages",
    "Set how many bags a reservation has, and charge the ones to be paid for that are added.",
    "write",
    reservation_id=_RESERVATION,
    total_baggages=integer("The new number of bags, free ones included."),
    nonfree_baggages=integer("The new number of bags to be paid for, those already paid included."),
    payment_id=_PAYMENT,
)
UPDATE_RESERVATION_FLIGHTS = spec(
    "update_reservation_flights",
    "Change the segments or the cabin of a reservation and settle the difference in price.",
    "write",
    reservation_id=_RESERVATION,
    cabin=string("The cabin of the whole reservation from now on.", *CABINS),
    flights=objects("All segments of the new itinerary, in order, those that stay as they are included.", **_SEGMENT),
    payment_id=_PAYMENT,
)
UPDATE_RESERVATION_PASSENGERS = spec(
    "update_reservation_passengers",
    "Change who travels on a reservation; the number of passengers stays the same.",
    "write",
    reservation_id=_RESERVATION,
    passengers=objects("All passengers, those that stay included.", **_PASSENGER),
)
