"""What the generated shop is made of: its catalogue, and the names and streets its customers are given.

Everything here is invented, and no one of the bundled airline's customers shops here.
"""

from __future__ import annotations

from msgspec import Struct


class Product(Struct, frozen=True):
    """A product: every combination of its options is a variant. ``price`` is that of a middling one, in dollars."""

    name: str
    price: float
    options: dict[str, tuple[str, ...]]


CATALOGUE: tuple[Product, ...] = (
    Product("Wool Throw", 74.0, {"color": ("moss", "oat", "rust", "slate"), "weight": ("light", "heavy")}),
    Product("Stoneware Teapot", 52.0, {"glaze": ("ash", "cobalt", "sand"), "volume": ("0.8 l", "1.2 l")}),
    Product("Cast-Iron Skillet", 61.0, {"diameter": ("20 cm", "26 cm", "30 cm"), "lid": ("yes", "no")}),
    Product("Linen Duvet Cover", 129.0, {"size": ("twin", "queen", "king"), "color": ("chalk", "fern", "plum")}),
    Product("Walnut Cutting Board", 48.0, {"shape": ("oblong", "round"), "groove": ("yes", "no")}),
    Product("Enamel Stockpot", 83.0, {"volume": ("5 l", "8 l"), "color": ("cream", "navy", "poppy")}),
    Product("Copper Watering Can", 57.0, {"volume": ("1 l", "3 l"), "spout": ("long", "short")}),
    Product("Ladder Shelf", 164.0, {"wood": ("ash", "oak", "walnut"), "rungs": ("four", "five")}),
    Product("Folding Stool", 39.0, {"wood": ("beech", "teak"), "seat": ("canvas", "leather")}),
    Product("Beeswax Candles", 23.0, {"count": ("two", "four", "six"), "scent": ("none", "clove")}),
    Product("Bath Sheet", 34.0, {"color": ("chalk", "fern", "slate"), "weave": ("waffle", "terry")}),
    Product("Pepper Mill", 44.0, {"height": ("15 cm", "22 cm"), "finish": ("beech", "ebony", "steel")}),
    Product("Herb Planter", 31.0, {"pots": ("two", "three"), "material": ("clay", "zinc")}),
    Product("Door Mat", 27.0, {"size": ("small", "wide"), "fibre": ("coir", "jute")}),
    Product("Salad Servers", 26.0, {"wood": ("olive", "cherry"), "length": ("25 cm", "30 cm")}),
    Product("Bread Bin", 58.0, {"color": ("cream", "navy"), "lid": ("bamboo", "steel")}),
    Product("Picture Ledge", 36.0, {"length": ("60 cm", "90 cm"), "finish": ("black", "oak", "white")}),
    Product("Rattan Basket", 42.0, {"size": ("small", "medium", "large"), "handles": ("rope", "rattan")}),
    Product("Reading Light", 68.0, {"mount": ("clip", "floor"), "shade": ("brass", "paper", "opal")}),
    Product("Oilcloth Apron", 29.0, {"color": ("navy", "rust"), "length": ("knee", "long")}),
)

PEOPLE: tuple[tuple[str, str], ...] = (
    ("Agnes", "Merriweather"), ("Tobias", "Lindgaard"), ("Yara", "Menezes"), ("Felipe", "Sandoval"),
    ("Ottilie", "Krause"), ("Desmond", "Achterberg"), ("Hana", "Sugimoto"), ("Ruben", "Castellano"),
    ("Freya", "Nordahl"), ("Isaac", "Pemberley"), ("Noor", "Rahmani"), ("Cedric", "Vauquelin"),
    ("Marisol", "Urrutia"), ("Anselm", "Birkholz"), ("Thandi", "Mokoena"), ("Rowan", "Gallagher"),
    ("Lucia", "Ferrante"), ("Bjorn", "Aasen"), ("Zofia", "Wieczorek"), ("Emeka", "Obiora"),
    ("Clara", "Danvers"), ("Hugo", "Lachance"), ("Mirela", "Popescu"), ("Silas", "Trevanion"),
    ("Anouk", "Verhoeven"), ("Joaquin", "Belmonte"), ("Esther", "Kaplowitz"), ("Levi", "Strand"),
    ("Priscilla", "Oduya"), ("Magnus", "Thorvald"), ("Ginevra", "Salis"), ("Arthur", "Penhaligon"),
)  # fmt: skip
"""The customers, in the order of the file; the tasks' own people come first."""

STREETS: tuple[str, ...] = (
    "Almond Row", "Bellwether Lane", "Cooper's Yard", "Damson Street", "Elderflower Road", "Fletcher Hill",
    "Gosling Avenue", "Hazel Court", "Larkfield Road", "Millrace Street", "Orchard Rise", "Thimble Lane",
)  # fmt: skip

CITIES: tuple[tuple[str, str, str], ...] = (
    ("Portland", "OR", "97214"), ("Madison", "WI", "53703"), ("Savannah", "GA", "31401"), ("Tucson", "AZ", "85716"),
    ("Providence", "RI", "02906"), ("Omaha", "NE", "68131"), ("Richmond", "VA", "23220"), ("Boise", "ID", "83702"),
    ("Albany", "NY", "12208"), ("Tulsa", "OK", "74114"), ("Duluth", "MN", "55804"), ("Mobile", "AL", "36604"),
)  # fmt: skip
"""City, state, ZIP code."""
