"""The customers and orders that tasks are about: fixed by hand, so that every task has the facts it needs.

The generator fills in what no task cares about (ids, addresses, prices) and adds other orders around them.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

Status = Literal["pending", "processed", "delivered", "cancelled"]
Variant = tuple[str, ...]
"""A product's name and one value of each of its options, in the order of the catalogue."""


class Order(Struct, frozen=True):
    """What a task needs of an order. ``paid_by`` indexes the customer's payment methods."""

    id: str
    customer: str
    status: Status
    items: tuple[Variant, ...]
    paid_by: int = 0


METHODS: dict[str, tuple[str, ...]] = {
    "Agnes Merriweather": ("card:visa", "gift:15"),
    "Tobias Lindgaard": ("gift:10", "card:mastercard"),
    "Yara Menezes": ("paypal", "card:visa"),
    "Felipe Sandoval": ("card:mastercard", "paypal"),
    "Ottilie Krause": ("card:visa",),
    "Desmond Achterberg": ("paypal", "gift:5"),
    "Hana Sugimoto": ("card:visa", "gift:200"),
    "Ruben Castellano": ("paypal",),
    "Freya Nordahl": ("card:mastercard", "card:visa"),
    "Isaac Pemberley": ("card:visa", "gift:180"),
    "Noor Rahmani": ("gift:40", "paypal"),
    "Cedric Vauquelin": ("card:visa", "gift:20"),
    "Marisol Urrutia": ("paypal", "gift:60"),
    "Anselm Birkholz": ("card:mastercard",),
    "Thandi Mokoena": ("card:visa", "paypal", "gift:25"),
    "Rowan Gallagher": ("paypal",),
    "Lucia Ferrante": ("card:visa", "gift:90"),
    "Bjorn Aasen": ("card:mastercard", "paypal"),
    "Zofia Wieczorek": ("paypal",),
    "Emeka Obiora": ("card:visa", "gift:75"),
    "Clara Danvers": ("card:mastercard",),
    "Hugo Lachance": ("paypal", "gift:30"),
    "Mirela Popescu": ("card:visa",),
    "Silas Trevanion": ("card:mastercard", "gift:12"),
    "Anouk Verhoeven": ("paypal",),
    "Joaquin Belmonte": ("card:visa",),
}
"""``card:BRAND``, ``gift:DOLLARS`` or ``paypal``, of the customers of tasks."""

ORDERS: tuple[Order, ...] = (
    Order("#W204117", "Agnes Merriweather", "pending", (("Wool Throw", "moss", "heavy"), ("Door Mat", "wide", "coir"))),
    Order("#W204163", "Tobias Lindgaard", "pending", (("Pepper Mill", "22 cm", "steel"),)),
    Order("#W204180", "Tobias Lindgaard", "pending", (("Bread Bin", "navy", "steel"),), paid_by=1),
    Order("#W204225", "Yara Menezes", "pending", (("Folding Stool", "teak", "canvas"), ("Herb Planter", "two", "clay"))),
    Order("#W204238", "Yara Menezes", "delivered", (("Bath Sheet", "fern", "terry"),), paid_by=1),
    Order("#W204301", "Felipe Sandoval", "pending", (("Enamel Stockpot", "5 l", "cream"),)),
    Order("#W204349", "Ottilie Krause", "pending", (("Linen Duvet Cover", "queen", "plum"),
          ("Beeswax Candles", "four", "clove"))),
    Order("#W204402", "Desmond Achterberg", "pending", (("Ladder Shelf", "oak", "four"),)),
    Order("#W204456", "Hana Sugimoto", "pending", (("Reading Light", "clip", "brass"), ("Door Mat", "small", "jute"))),
    Order("#W204487", "Ruben Castellano", "pending", (("Copper Watering Can", "1 l", "long"),)),
    Order("#W204511", "Freya Nordahl", "pending", (("Cast-Iron Skillet", "26 cm", "no"),)),
    Order("#W204570", "Isaac Pemberley", "pending", (("Linen Duvet Cover", "king", "chalk"),)),
    Order("#W204598", "Noor Rahmani", "pending", (("Oilcloth Apron", "rust", "knee"),)),
    Order("#W204633", "Cedric Vauquelin", "delivered", (("Stoneware Teapot", "cobalt", "1.2 l"),
          ("Salad Servers", "olive", "25 cm"))),
    Order("#W204671", "Marisol Urrutia", "delivered", (("Rattan Basket", "large", "rope"),
          ("Rattan Basket", "large", "rope"), ("Bath Sheet", "chalk", "waffle"))),
    Order("#W204709", "Anselm Birkholz", "delivered", (("Walnut Cutting Board", "round", "yes"),)),
    Order("#W204745", "Thandi Mokoena", "delivered", (("Picture Ledge", "60 cm", "oak"), ("Wool Throw", "rust", "light")),
          paid_by=1),
    Order("#W204782", "Rowan Gallagher", "delivered", (("Bath Sheet", "slate", "terry"),)),
    Order("#W204818", "Lucia Ferrante", "delivered", (("Cast-Iron Skillet", "20 cm", "no"),
          ("Pepper Mill", "15 cm", "beech"))),
    Order("#W204836", "Bjorn Aasen", "delivered", (("Reading Light", "floor", "opal"),)),
    Order("#W204860", "Zofia Wieczorek", "delivered", (("Enamel Stockpot", "8 l", "navy"),)),
    Order("#W204899", "Emeka Obiora", "pending", (("Herb Planter", "three", "zinc"), ("Door Mat", "wide", "jute"))),
    Order("#W204923", "Clara Danvers", "processed", (("Ladder Shelf", "walnut", "five"),)),
    Order("#W204951", "Hugo Lachance", "delivered", (("Stoneware Teapot", "sand", "0.8 l"),)),
    Order("#W204987", "Mirela Popescu", "pending", (("Wool Throw", "slate", "light"),)),
    Order("#W205014", "Silas Trevanion", "pending", (("Linen Duvet Cover", "twin", "fern"),)),
    Order("#W205046", "Anouk Verhoeven", "delivered", (("Beeswax Candles", "six", "none"),)),
    Order("#W205073", "Joaquin Belmonte", "delivered", (("Folding Stool", "beech", "leather"),)),
)  # fmt: skip

AVAILABLE: dict[Variant, bool] = {
    ("Folding Stool", "teak", "leather"): True,
    ("Folding Stool", "beech", "canvas"): True,
    ("Enamel Stockpot", "8 l", "cream"): False,
    ("Enamel Stockpot", "8 l", "navy"): True,
    ("Linen Duvet Cover", "queen", "fern"): True,
    ("Beeswax Candles", "six", "clove"): True,
    ("Ladder Shelf", "oak", "five"): True,
    ("Stoneware Teapot", "ash", "1.2 l"): True,
    ("Rattan Basket", "medium", "rope"): True,
    ("Walnut Cutting Board", "round", "no"): False,
    ("Walnut Cutting Board", "oblong", "yes"): True,
    ("Picture Ledge", "90 cm", "oak"): True,
    ("Cast-Iron Skillet", "30 cm", "no"): True,
    ("Pepper Mill", "22 cm", "ebony"): True,
    ("Wool Throw", "oat", "heavy"): True,
    ("Wool Throw", "moss", "light"): True,
    ("Reading Light", "clip", "paper"): True,
}
"""Variants whose availability a task relies on."""
