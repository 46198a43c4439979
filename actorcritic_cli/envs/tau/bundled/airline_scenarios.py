"""The customers and reservations that tasks are about: fixed by hand, so that every task has the facts it needs.

The generator fills in what no task cares about (ids, addresses, fares) and adds other reservations around them.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

Membership = Literal["regular", "silver", "gold"]
Cabin = Literal["basic_economy", "economy", "business"]


class Customer(Struct, frozen=True):
    """What a task needs of a customer. ``methods`` are ``card:BRAND``, ``gift:DOLLARS`` or ``certificate:DOLLARS``."""

    membership: Membership
    methods: tuple[str, ...]
    companions: tuple[str, ...] = ()


class Booking(Struct, frozen=True):
    """What a task needs of a reservation. ``segments`` are (flight, day of May); ``paid_by`` indexes the methods.

    ``others`` are the first names of those who travel with the customer.
    """

    id: str
    customer: str
    segments: tuple[tuple[str, int], ...]
    cabin: Cabin
    created_at: str
    destination: str
    round_trip: bool = False
    others: tuple[str, ...] = ()
    bags: int = 0
    insured: bool = False
    paid_by: int = 0


CUSTOMERS: dict[str, Customer] = {
    "Ines Varga": Customer("silver", ("card:visa", "certificate:150", "gift:80")),
    "Tomas Lindqvist": Customer("regular", ("card:mastercard", "gift:60"), ("Elin",)),
    "Amara Okonjo": Customer("regular", ("card:visa", "card:mastercard")),
    "Henrik Solberg": Customer("gold", ("card:visa", "gift:75", "gift:90", "gift:40", "gift:25")),
    "Priya Raman": Customer("silver", ("card:mastercard", "certificate:100", "certificate:200")),
    "Callum Fairweather": Customer("regular", ("card:visa", "gift:35")),
    "Leila Haddadi": Customer("silver", ("card:visa", "certificate:300", "gift:400")),
    "Marek Dvorsky": Customer("regular", ("card:mastercard",), ("Klara",)),
    "Beatriz Fontes": Customer("regular", ("card:visa",)),
    "Jonah Whitlock": Customer("gold", ("card:visa", "gift:50"), ("Mabel",)),
    "Saoirse Brennan": Customer("regular", ("card:visa",)),
    "Kofi Asante": Customer("regular", ("card:mastercard", "gift:120"), ("Rosa",)),
    "Greta Zimmerl": Customer("regular", ("card:visa",)),
    "Rafael Quintero": Customer("regular", ("card:mastercard",), ("Dario",)),
    "Naoko Ishida": Customer("silver", ("card:visa",)),
    "Wendell Pryce": Customer("gold", ("card:mastercard",), ("Cora",)),
    "Odile Marchand": Customer("silver", ("card:visa", "gift:200"), ("Hugo",)),
    "Dmitri Volkanov": Customer("regular", ("card:visa", "gift:150"), ("Iris",)),
    "Hannah Osterberg": Customer("regular", ("card:visa",), ("Nils",)),
    "Luca Benedetti": Customer("silver", ("card:mastercard",), ("Orla", "Felix")),
    "Farah Siddiq": Customer("gold", ("card:visa",), ("Adele",)),
    "Ezra Goldwyn": Customer("regular", ("card:visa", "gift:500")),
    "Maren Halvorsen": Customer("regular", ("card:mastercard",)),
    "Theo Papadakis": Customer("regular", ("card:visa", "gift:45")),
    "Nadia Kovalenko": Customer("gold", ("card:visa",), ("Pavel", "Gwen", "Hugo", "Iris", "Quinn")),
    "Bruno Carvalho": Customer("silver", ("card:mastercard", "gift:100")),
    "Imogen Thackeray": Customer("regular", ("card:visa",), ("Jasper",)),
    "Samir Bensalem": Customer("regular", ("card:visa",)),
    "Paloma Iglesias": Customer("silver", ("card:mastercard", "gift:30"), ("Bastian", "Ulla")),
    "Viktor Straub": Customer("gold", ("card:visa", "certificate:250")),
    "Chidi Nwosu": Customer("regular", ("card:visa",)),
    "Aino Korhonen": Customer("silver", ("card:mastercard",), ("Tilda",)),
    "Delphine Roux": Customer("gold", ("card:visa", "gift:300")),
}

BOOKINGS: tuple[Booking, ...] = (
    Booking("FADU15", "Callum Fairweather", (("ACC115", 20), ("ACC116", 27)), "economy", "2024-05-03T10:12:44",
            "MCO", round_trip=True, bags=1),
    Booking("HIMA62", "Leila Haddadi", (("ACC141", 22),), "basic_economy", "2024-05-06T19:40:03", "LAX", bags=1),
    Booking("DOVA33", "Marek Dvorsky", (("ACC107", 17), ("ACC108", 24)), "economy", "2024-05-09T08:05:51",
            "MIA", round_trip=True, others=("Klara",), bags=2),
    Booking("FOTE80", "Beatriz Fontes", (("ACC145", 21),), "basic_economy", "2024-05-15T11:27:30", "LAX"),
    Booking("JOWI27", "Jonah Whitlock", (("ACC129", 19), ("ACC130", 24)), "business", "2024-05-02T14:33:10",
            "DEN", round_trip=True, others=("Mabel",), bags=2),
    Booking("BRE419", "Saoirse Brennan", (("ACC163", 25),), "economy", "2024-05-14T21:16:08", "ORD", bags=1),
    Booking("KOSA74", "Kofi Asante", (("ACC125", 26), ("ACC151", 26)), "business", "2024-05-05T16:58:22", "LAS",
            others=("Rosa",), bags=3),
    Booking("GREZ06", "Greta Zimmerl", (("ACC121", 20),), "economy", "2024-05-07T07:44:19", "CLT", insured=True),
    Booking("RAQU58", "Rafael Quintero", (("ACC117", 17),), "basic_economy", "2024-05-04T12:20:37", "IAH",
            others=("Dario",)),
    Booking("NAIS91", "Naoko Ishida", (("ACC155", 23),), "economy", "2024-05-15T08:31:55", "SFO"),
    Booking("NAIS45", "Naoko Ishida", (("ACC156", 28),), "economy", "2024-05-08T09:02:46", "SEA"),
    Booking("WEPA30", "Wendell Pryce", (("ACC135", 19), ("ACC136", 22)), "economy", "2024-05-10T18:11:25",
            "MSP", round_trip=True, others=("Cora",), bags=2),
    Booking("ODMA12", "Odile Marchand", (("ACC143", 24),), "economy", "2024-05-11T15:36:02", "PHX",
            others=("Hugo",), bags=3, paid_by=0),
    Booking("DIVO77", "Dmitri Volkanov", (("ACC127", 21),), "economy", "2024-05-09T20:48:13", "DFW",
            others=("Iris",), bags=1),
    Booking("HANO53", "Hannah Osterberg", (("ACC123", 22),), "economy", "2024-05-12T11:09:57", "DTW",
            others=("Nils",), bags=2),
    Booking("LUCB84", "Luca Benedetti", (("ACC153", 25), ("ACC154", 29)), "economy", "2024-05-13T17:25:40",
            "DEN", round_trip=True, others=("Orla",), bags=4),
    Booking("FASI20", "Farah Siddiq", (("ACC133", 18),), "economy", "2024-05-06T13:54:28", "SFO",
            others=("Adele",), bags=2),
    Booking("EZGO66", "Ezra Goldwyn", (("ACC120", 15),), "economy", "2024-05-10T10:41:16", "EWR", insured=True),
    Booking("MAHA39", "Maren Halvorsen", (("ACC150", 19),), "business", "2024-05-08T22:03:34", "ATL", bags=1),
    Booking("THEO48", "Theo Papadakis", (("ACC103", 24), ("ACC104", 29)), "economy", "2024-05-07T16:29:05",
            "LAX", round_trip=True, bags=1),
    Booking("BUCA71", "Bruno Carvalho", (("ACC147", 23),), "economy", "2024-05-12T19:50:43", "MIA", bags=1),
    Booking("IMTA95", "Imogen Thackeray", (("ACC133", 18),), "economy", "2024-05-11T09:17:21", "SFO",
            others=("Jasper",)),
    Booking("SABE02", "Samir Bensalem", (("ACC159", 21),), "economy", "2024-05-10T12:38:59", "PHX", bags=3),
    Booking("PAIG36", "Paloma Iglesias", (("ACC149", 20),), "economy", "2024-05-13T14:06:32", "MCO",
            others=("Bastian",), bags=2),
    Booking("VIST59", "Viktor Straub", (("ACC101", 22), ("ACC102", 26)), "economy", "2024-05-05T21:45:11",
            "SEA", round_trip=True, bags=2, insured=True),
    Booking("CHIN14", "Chidi Nwosu", (("ACC157", 12), ("ACC158", 19)), "business", "2024-05-04T18:33:47",
            "LAS", round_trip=True, bags=1),
    Booking("AIKO68", "Aino Korhonen", (("ACC139", 27),), "economy", "2024-05-09T13:22:08", "SEA", bags=1),
    Booking("DELR23", "Delphine Roux", (("ACC105", 11), ("ACC106", 20)), "economy", "2024-05-02T08:59:36",
            "SFO", round_trip=True, bags=2),
)  # fmt: skip
