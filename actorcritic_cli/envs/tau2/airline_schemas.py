"""What the model is told of the airline's tools in v2: as in v1 but for a few types and choices, and one tool more."""

from __future__ import annotations

from actorcritic_cli.envs.tau import airline_schemas as v1
from actorcritic_cli.envs.tau.schemas import integer, objects, spec, string
from actorcritic_cli.envs.tau2.common import amended

_FLIGHT_TYPE = string("Whether the trip includes the way back.", "round_trip", "one_way")
_CABINS = tuple(reversed(v1.CABINS))

BOOK_RESERVATION = amended(
    v1.BOOK_RESERVATION,
    flight_type=_FLIGHT_TYPE,
    cabin=string("The cabin of all segments and passengers.", *_CABINS),
    payment_methods=objects(
        "How the whole price is paid; the amounts must add up to it.",
        payment_id=string("Id of the payment method, as the customer's profile lists it, such as 'gift_card_1234567'."),
        amount=integer("The part paid this way, in dollars."),
    ),
)
SEND_CERTIFICATE = amended(v1.SEND_CERTIFICATE, amount=integer("The certificate's value in dollars."))
UPDATE_RESERVATION_FLIGHTS = amended(
    v1.UPDATE_RESERVATION_FLIGHTS, cabin=string("The cabin of the whole reservation from now on.", *_CABINS)
)
GET_FLIGHT_STATUS = spec(
    "get_flight_status",
    "Look up how a flight stands on one day: available, on time, delayed, cancelled, flying or landed.",
    "read",
    flight_number=string("The flight's number, such as 'HAT042'."),
    date=string("The day of departure as YYYY-MM-DD."),
)
