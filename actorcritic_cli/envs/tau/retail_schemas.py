"""What the model is told of the shop's tools: names and types as in τ-bench, wording our own."""

from __future__ import annotations

from actorcritic_cli.envs.tau.schemas import spec, string, strings

REASONS = ("no longer needed", "ordered by mistake")
"""Why an order may be cancelled."""

_ORDER = string("The order's id with the number sign in front, such as '#W1234567'.")
_USER = string("The customer's user id, such as 'anna_berg_4711'.")
_PRODUCT = string("The product's id: ten digits. It is not the id of an item.")
_METHOD = "Id of a payment method of the customer's profile, such as 'gift_card_1234567'"
_OLD = strings("Ids of the items of the order that are replaced; an id stands twice if both such items are.")
_NEW = strings("Ids of the items that take their places, in the same order; each is a variant of the same product.")
_ADDRESS = {
    "address1": string("Street and number."),
    "address2": string("Flat or suite; empty if there is none."),
    "city": string("City."),
    "state": string("State, as two letters."),
    "country": string("Country, such as 'USA'."),
    "zip": string("ZIP code."),
}

FIND_USER_ID_BY_EMAIL = spec(
    "find_user_id_by_email",
    "Find a customer's user id by e-mail address.",
    "read",
    email=string("The e-mail address."),
)
FIND_USER_ID_BY_NAME_ZIP = spec(
    "find_user_id_by_name_zip",
    "Find a customer's user id by name and ZIP code, for one who cannot say the e-mail address.",
    "read",
    first_name=string("Given name."),
    last_name=string("Family name."),
    zip=string("ZIP code."),
)
GET_ORDER_DETAILS = spec(
    "get_order_details",
    "Look up an order: its items, address, payments and how far it has come.",
    "read",
    order_id=_ORDER,
)
GET_PRODUCT_DETAILS = spec(
    "get_product_details",
    "Look up a product: all its variants, which of them are available, and their prices.",
    "read",
    product_id=_PRODUCT,
)
GET_ITEM_DETAILS = spec(
    "get_item_details",
    "Look up one variant of a product: its options, its price and whether it is available.",
    "read",
    item_id=string("The item's id: ten digits. It is not the id of a product."),
)
GET_USER_DETAILS = spec(
    "get_user_details",
    "Look up a customer's profile: address, payment methods and orders.",
    "read",
    user_id=_USER,
)
LIST_ALL_PRODUCT_TYPES = spec("list_all_product_types", "List the shop's products, as name and product id.", "read")

CANCEL_PENDING_ORDER = spec(
    "cancel_pending_order",
    "Cancel a pending order as a whole and refund it to where the money came from.",
    "write",
    order_id=_ORDER,
    reason=string("Why the customer cancels.", *REASONS),
)
EXCHANGE_DELIVERED_ORDER_ITEMS = spec(
    "exchange_delivered_order_items",
    "Have items of a delivered order exchanged for other variants of the same products. It can be done once an order.",
    "write",
    order_id=_ORDER,
    item_ids=_OLD,
    new_item_ids=_NEW,
    payment_method_id=string(f"{_METHOD}: it pays the difference in price, or gets it."),
)
MODIFY_PENDING_ORDER_ADDRESS = spec(
    "modify_pending_order_address",
    "Change where a pending order is sent.",
    "write",
    order_id=_ORDER,
    **_ADDRESS,
)
MODIFY_PENDING_ORDER_ITEMS = spec(
    "modify_pending_order_items",
    "Replace items of a pending order by other variants of the same products. It can be done once an order, and the "
    "order cannot be cancelled after it.",
    "write",
    order_id=_ORDER,
    item_ids=_OLD,
    new_item_ids=_NEW,
    payment_method_id=string(f"{_METHOD}: it pays the difference in price, or gets it."),
)
MODIFY_PENDING_ORDER_PAYMENT = spec(
    "modify_pending_order_payment",
    "Pay a pending order with another method; what was paid goes back to where it came from.",
    "write",
    order_id=_ORDER,
    payment_method_id=string(f"{_METHOD}: it pays the order from now on."),
)
MODIFY_USER_ADDRESS = spec(
    "modify_user_address",
    "Change the address in a customer's profile. Orders keep theirs.",
    "write",
    user_id=_USER,
    **_ADDRESS,
)
RETURN_DELIVERED_ORDER_ITEMS = spec(
    "return_delivered_order_items",
    "Have items of a delivered order returned. It can be done once an order.",
    "write",
    order_id=_ORDER,
    item_ids=strings("Ids of the items that are returned; an id stands twice if both such items are."),
    payment_method_id=string(f"{_METHOD}: the refund goes there."),
)
