"""How customers speak of the shop's goods, of ways to pay and of addresses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random

from actorcritic_cli.envs.draw import below, between, pick
from actorcritic_cli.envs.tau.bundled.retail_material import CITIES, STREETS
from actorcritic_cli.envs.tau.database import Record

NOUNS: Mapping[str, str] = {
    "Wool Throw": "throw",
    "Stoneware Teapot": "teapot",
    "Cast-Iron Skillet": "skillet",
    "Linen Duvet Cover": "duvet cover",
    "Walnut Cutting Board": "cutting board",
    "Enamel Stockpot": "stockpot",
    "Copper Watering Can": "watering can",
    "Ladder Shelf": "ladder shelf",
    "Folding Stool": "stool",
    "Beeswax Candles": "candles",
    "Bath Sheet": "bath sheet",
    "Pepper Mill": "pepper mill",
    "Herb Planter": "planter",
    "Door Mat": "door mat",
    "Salad Servers": "salad servers",
    "Bread Bin": "bread bin",
    "Picture Ledge": "picture ledge",
    "Rattan Basket": "basket",
    "Reading Light": "reading light",
    "Oilcloth Apron": "apron",
}
DAMAGES: Mapping[str, tuple[str, ...]] = {
    "Wool Throw": ("came with a hole in it", "is frayed along one edge"),
    "Stoneware Teapot": ("came with a chipped spout", "has a crack in its lid"),
    "Cast-Iron Skillet": ("has a crack in its handle",),
    "Linen Duvet Cover": ("came with a torn seam", "has a stain that was there from the start"),
    "Walnut Cutting Board": ("arrived cracked along the grain",),
    "Enamel Stockpot": ("arrived with the enamel chipped off inside",),
    "Copper Watering Can": ("leaks where the spout is soldered on",),
    "Ladder Shelf": ("arrived with a broken rung",),
    "Folding Stool": ("came with a bent hinge", "has a tear in its seat"),
    "Beeswax Candles": ("arrived broken in two",),
    "Bath Sheet": ("came with pulled threads all over", "has a tear in it"),
    "Pepper Mill": ("arrived with a broken grinder",),
    "Herb Planter": ("arrived in shards", "came with a cracked pot"),
    "Door Mat": ("came with the backing peeling off",),
    "Salad Servers": ("arrived with a broken spoon",),
    "Bread Bin": ("arrived with a dented lid",),
    "Picture Ledge": ("arrived with a splintered corner",),
    "Rattan Basket": ("came with a handle torn off",),
    "Reading Light": ("arrived with a broken switch", "came with a cracked shade"),
    "Oilcloth Apron": ("came with a ripped strap",),
}
_OPTIONS: Mapping[str, str] = {
    "color": "in {}",
    "weight": "in the {} weight",
    "glaze": "with the {} glaze",
    "volume": "holding {}",
    "diameter": "of {}",
    "lid": "with a {} lid",
    "size": "in size {}",
    "shape": "in the {} shape",
    "spout": "with a {} spout",
    "wood": "in {}",
    "rungs": "with {} rungs",
    "seat": "with a {} seat",
    "count": "in a pack of {}",
    "scent": "scented with {}",
    "weave": "in {} weave",
    "height": "{} high",
    "finish": "with the {} finish",
    "pots": "with {} pots",
    "material": "in {}",
    "fibre": "in {}",
    "length": "in the length {}",
    "handles": "with {} handles",
    "mount": "with a {} mount",
    "shade": "with the {} shade",
}
_SPECIAL: Mapping[tuple[str, str], str] = {
    ("lid", "yes"): "with a lid",
    ("lid", "no"): "without a lid",
    ("groove", "yes"): "with a groove",
    ("groove", "no"): "without a groove",
    ("scent", "none"): "without any scent",
}
_STATES: Mapping[str, str] = {
    "OR": "Oregon",
    "WI": "Wisconsin",
    "GA": "Georgia",
    "AZ": "Arizona",
    "RI": "Rhode Island",
    "NE": "Nebraska",
    "VA": "Virginia",
    "ID": "Idaho",
    "NY": "New York",
    "OK": "Oklahoma",
    "MN": "Minnesota",
    "AL": "Alabama",
}


def noun(record: Record) -> str:
    """Return what a customer calls an item, a variant or a product."""
    return NOUNS.get(record["name"], record["name"].lower())


def several(record: Record) -> bool:
    """Whether the noun is a plural."""
    return noun(record).endswith("s")


def one(record: Record) -> str:
    """Return the noun with its article: 'a stool', 'candles'."""
    word = noun(record)
    return word if several(record) else f"{'an' if word[0] in 'aeiou' else 'a'} {word}"


def listed(words: Sequence[str]) -> str:
    """Return words as a list: 'a, b and c'."""
    return f"{', '.join(words[:-1])} and {words[-1]}" if len(words) > 1 else "".join(words)


def option(key: str, value: str) -> str:
    """Return an option in words.

    >>> option("seat", "leather"), option("groove", "no")
    ('with a leather seat', 'without a groove')
    """
    return _SPECIAL.get((key, value)) or _OPTIONS.get(key, key + " {}").format(value)


def described(variant: Record) -> str:
    """Return a variant in words: 'in teak, with a leather seat'."""
    return ", ".join(option(key, value) for key, value in variant["options"].items())


def changed(old: Record, new: Record) -> str:
    """Return what sets a variant apart from another, in words; empty where that is all of it."""
    news = [option(key, value) for key, value in new["options"].items() if old["options"].get(key) != value]
    return ", ".join(news) if len(news) < len(new["options"]) else ""


def method(record: Record, among: Sequence[Record]) -> str:
    """Return what a customer calls a payment method; the digits where there are several cards."""
    match record["source"]:
        case "credit_card":
            cards = [other for other in among if other["source"] == "credit_card"]
            ending = f" ending in {record['last_four']}" if len(cards) > 1 else ""
            name = "Mastercard" if record["brand"] == "mastercard" else f"{record['brand'].title()} card"
            return f"my {name}{ending}"
        case "gift_card":
            return "my gift card"
        case _:
            return "my PayPal account"


def source(record: Record) -> str:
    """Return the kind of a payment method."""
    return {"credit_card": "credit card", "gift_card": "gift card"}.get(record["source"], "PayPal")


def new_address(rng: Random, old: Record) -> dict[str, str]:
    """Return an address to move or send to, in another street than the old one."""
    streets = [street for street in STREETS if street not in old["address1"]]
    city, state, code = pick(rng, CITIES)
    return {
        "address1": f"{between(rng, 2, 640)} {pick(rng, streets)}",
        "address2": f"Flat {between(rng, 1, 40)}" if below(rng, 3) else "",
        "city": city,
        "state": state,
        "country": "USA",
        "zip": code,
    }


def written(rng: Random, address: Mapping[str, str]) -> str:
    """Return an address as a customer writes it."""
    state = pick(rng, (address["state"], _STATES.get(address["state"], address["state"])))
    street = ", ".join(filter(None, (address["address1"], address["address2"])))
    return f"{street}, {address['city']}, {state} {address['zip']}, USA"
