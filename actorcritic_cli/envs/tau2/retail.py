"""The shop of τ²-bench: the tools that v1 has too (see ``tau.retail``), and one that looks up an item."""

from __future__ import annotations

from actorcritic_cli.envs.tau import retail_schemas as schemas
from actorcritic_cli.envs.tau.retail import RetailTools
from actorcritic_cli.envs.tau.retail_checks import problems
from actorcritic_cli.envs.tau.schemas import string
from actorcritic_cli.envs.tau.tools import Tool
from actorcritic_cli.envs.tau2.common import CALCULATE, TRANSFER_TO_HUMAN_AGENTS, Domain, amended
from actorcritic_cli.envs.tau2.records import Order, Product, RetailUser

_REASON = string(f"Why the customer cancels: '{schemas.REASONS[0]}' or '{schemas.REASONS[1]}'.")
_TOOLS = RetailTools(2)

DOMAIN = Domain(
    name="retail",
    kit="RetailTools",
    records={"products": Product, "users": RetailUser, "orders": Order},
    tools=(
        CALCULATE,
        Tool(amended(schemas.CANCEL_PENDING_ORDER, reason=_REASON), _TOOLS.cancel_pending_order),
        Tool(schemas.EXCHANGE_DELIVERED_ORDER_ITEMS, _TOOLS.exchange_delivered_order_items),
        Tool(schemas.FIND_USER_ID_BY_NAME_ZIP, _TOOLS.find_user_id_by_name_zip),
        Tool(schemas.FIND_USER_ID_BY_EMAIL, _TOOLS.find_user_id_by_email),
        Tool(schemas.GET_ORDER_DETAILS, _TOOLS.get_order_details),
        Tool(schemas.GET_PRODUCT_DETAILS, _TOOLS.get_product_details),
        Tool(schemas.GET_ITEM_DETAILS, _TOOLS.get_item_details),
        Tool(schemas.GET_USER_DETAILS, _TOOLS.get_user_details),
        Tool(schemas.LIST_ALL_PRODUCT_TYPES, _TOOLS.list_all_product_types),
        Tool(schemas.MODIFY_PENDING_ORDER_ADDRESS, _TOOLS.modify_pending_order_address),
        Tool(schemas.MODIFY_PENDING_ORDER_ITEMS, _TOOLS.modify_pending_order_items),
        Tool(schemas.MODIFY_PENDING_ORDER_PAYMENT, _TOOLS.modify_pending_order_payment),
        Tool(schemas.MODIFY_USER_ADDRESS, _TOOLS.modify_user_address),
        Tool(schemas.RETURN_DELIVERED_ORDER_ITEMS, _TOOLS.return_delivered_order_items),
        TRANSFER_TO_HUMAN_AGENTS,
    ),
    problems=problems,
)
"""The shop: its tables, its tools in the order the model sees them, and the check of its records."""
