"""What the generated airline is made of: its timetable, and the names and streets its customers are given.

Everything here is invented. Times are EST throughout, as in the records, so that no time zone ever matters.
"""

from __future__ import annotations

from msgspec import Struct


class Route(Struct, frozen=True):
    """A city pair flown once a day each way. ``minutes`` in the air, departures as ``HH:MM``, ``fare`` in economy, $."""

    origin: str
    destination: str
    minutes: int
    out: str
    back: str
    fare: int


TIMETABLE: tuple[Route, ...] = (
    Route("JFK", "SEA", 360, "08:10", "15:40", 230),  # ACC101, ACC102
    Route("JFK", "LAX", 370, "09:30", "22:15", 240),  # ACC103, ACC104
    Route("JFK", "SFO", 385, "17:05", "23:10", 250),  # ACC105, ACC106
    Route("JFK", "MIA", 190, "07:00", "12:20", 150),  # ACC107, ACC108
    Route("JFK", "ORD", 155, "10:45", "18:30", 130),  # ACC109, ACC110
    Route("BOS", "ORD", 170, "06:40", "14:55", 135),  # ACC111, ACC112
    Route("BOS", "DEN", 275, "11:20", "18:05", 190),  # ACC113, ACC114
    Route("BOS", "MCO", 195, "09:05", "13:35", 145),  # ACC115, ACC116
    Route("EWR", "IAH", 235, "08:25", "16:10", 170),  # ACC117, ACC118
    Route("EWR", "ATL", 145, "07:35", "19:20", 125),  # ACC119, ACC120
    Route("LGA", "CLT", 125, "12:00", "17:30", 115),  # ACC121, ACC122
    Route("LGA", "DTW", 115, "06:20", "20:05", 110),  # ACC123, ACC124
    Route("PHL", "ATL", 130, "08:50", "16:45", 120),  # ACC125, ACC126
    Route("PHL", "DFW", 220, "13:15", "07:40", 165),  # ACC127, ACC128
    Route("ORD", "DEN", 165, "09:50", "14:10", 130),  # ACC129, ACC130
    Route("ORD", "SEA", 275, "11:30", "19:15", 185),  # ACC131, ACC132
    Route("ORD", "SFO", 285, "14:30", "21:50", 195),  # ACC133, ACC134
    Route("ORD", "MSP", 95, "16:00", "07:15", 95),  # ACC135, ACC136
    Route("ORD", "LAS", 245, "18:40", "10:00", 175),  # ACC137, ACC138
    Route("DEN", "SEA", 180, "16:25", "08:00", 140),  # ACC139, ACC140
    Route("DEN", "LAX", 155, "12:50", "17:25", 125),  # ACC141, ACC142
    Route("DEN", "PHX", 115, "10:15", "13:40", 105),  # ACC143, ACC144
    Route("DFW", "LAX", 200, "11:10", "16:05", 150),  # ACC145, ACC146
    Route("DFW", "MIA", 175, "09:20", "15:30", 140),  # ACC147, ACC148
    Route("ATL", "MCO", 90, "12:30", "18:15", 95),  # ACC149, ACC150
    Route("ATL", "LAS", 270, "13:55", "06:30", 185),  # ACC151, ACC152
    Route("ATL", "DEN", 210, "10:40", "15:05", 160),  # ACC153, ACC154
    Route("SEA", "SFO", 130, "10:20", "20:10", 115),  # ACC155, ACC156
    Route("LAX", "LAS", 75, "15:50", "19:05", 85),  # ACC157, ACC158
    Route("IAH", "PHX", 170, "13:25", "08:35", 140),  # ACC159, ACC160
    Route("JFK", "SEA", 365, "18:20", "09:15", 215),  # ACC161, ACC162
    Route("BOS", "ORD", 170, "15:30", "08:15", 125),  # ACC163, ACC164
    Route("DEN", "SEA", 180, "10:30", "19:40", 150),  # ACC165, ACC166
)

SPECIAL_DAYS: dict[tuple[str, str], str] = {
    ("ACC117", "2024-05-17"): "cancelled",
    ("ACC133", "2024-05-18"): "cancelled",
    ("ACC150", "2024-05-19"): "cancelled",
    ("ACC120", "2024-05-15"): "delayed",
    ("ACC137", "2024-05-15"): "delayed",
}
"""Flight-days whose status a task relies on. The future cancellations are the only days after the 15th that are not
available: a search no longer lists them, which is how an agent finds out."""

PEOPLE: tuple[tuple[str, str], ...] = (
    ("Ines", "Varga"),
    ("Tomas", "Lindqvist"),
    ("Amara", "Okonjo"),
    ("Henrik", "Solberg"),
    ("Priya", "Raman"),
    ("Callum", "Fairweather"),
    ("Leila", "Haddadi"),
    ("Marek", "Dvorsky"),
    ("Beatriz", "Fontes"),
    ("Jonah", "Whitlock"),
    ("Saoirse", "Brennan"),
    ("Kofi", "Asante"),
    ("Greta", "Zimmerl"),
    ("Rafael", "Quintero"),
    ("Naoko", "Ishida"),
    ("Wendell", "Pryce"),
    ("Odile", "Marchand"),
    ("Dmitri", "Volkanov"),
    ("Hannah", "Osterberg"),
    ("Luca", "Benedetti"),
    ("Farah", "Siddiq"),
    ("Ezra", "Goldwyn"),
    ("Maren", "Halvorsen"),
    ("Theo", "Papadakis"),
    ("Nadia", "Kovalenko"),
    ("Bruno", "Carvalho"),
    ("Imogen", "Thackeray"),
    ("Samir", "Bensalem"),
    ("Paloma", "Iglesias"),
    ("Viktor", "Straub"),
    ("Chidi", "Nwosu"),
    ("Aino", "Korhonen"),
    ("Delphine", "Roux"),
    ("Gareth", "Llewellyn"),
    ("Mina", "Farahani"),
    ("Oskar", "Wisniewski"),
    ("Rosalind", "Peake"),
    ("Javier", "Montalvo"),
    ("Tuva", "Eklund"),
    ("Winston", "Achebe"),
)
"""The customers, in the order of the file; the tasks' own people come first."""

COMPANIONS: tuple[str, ...] = (
    "Adele", "Bastian", "Cora", "Dario", "Elin", "Felix", "Gwen", "Hugo", "Iris", "Jasper", "Klara", "Lionel",
    "Mabel", "Nils", "Orla", "Pavel", "Quinn", "Rosa", "Stellan", "Tilda", "Ulla", "Vincent", "Wilma", "Yannick",
)  # fmt: skip
"""First names of those who travel along; they share the customer's family name."""

STREETS: tuple[str, ...] = (
    "Alder Court", "Birchfield Road", "Cannery Street", "Dovecote Lane", "Eastgate Avenue", "Foundry Row",
    "Granary Street", "Harrow Hill", "Ironbridge Road", "Juniper Way", "Kiln Street", "Lantern Lane",
)  # fmt: skip

CITIES: tuple[tuple[str, str, str], ...] = (
    ("New York", "NY", "10027"), ("Seattle", "WA", "98109"), ("Denver", "CO", "80205"), ("Boston", "MA", "02118"),
    ("Chicago", "IL", "60614"), ("Atlanta", "GA", "30312"), ("Philadelphia", "PA", "19123"), ("Miami", "FL", "33137"),
    ("Houston", "TX", "77008"), ("Phoenix", "AZ", "85016"), ("Minneapolis", "MN", "55407"), ("Detroit", "MI", "48226"),
)  # fmt: skip
"""City, state, ZIP code."""

CARD_BRANDS: tuple[str, ...] = ("visa", "mastercard")
