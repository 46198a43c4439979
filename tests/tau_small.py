"""A small airline for tests: few records, invented, with every case a tool can meet."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from actorcritic_cli.envs.tau.airline import DOMAIN
from actorcritic_cli.envs.tau.database import Database
from actorcritic_cli.envs.tau.dataset import Dataset
from actorcritic_cli.envs.tau.environment import TauEnvironment
from actorcritic_cli.types import Task

POLICY = "# Policy\r\nBe kind – always.\n"


def available(economy: int, seats: int = 2) -> dict[str, Any]:
    return {
        "status": "available",
        "available_seats": {"basic_economy": 1, "economy": seats, "business": 0},
        "prices": {"basic_economy": economy // 2, "economy": economy, "business": economy * 3},
    }


def flight(number: str, route: str, departure: str, arrival: str, prices: dict[str, int]) -> dict[str, Any]:
    dates: dict[str, Any] = {"2024-05-14": {"status": "landed", "actual_departure_time_est": "x"}}
    dates |= {date: available(price) for date, price in prices.items()}
    origin, destination = route.split("-")
    return {
        "flight_number": number,
        "origin": origin,
        "destination": destination,
        "scheduled_departure_time_est": departure,
        "scheduled_arrival_time_est": arrival,
        "dates": dates,
    }


def tables() -> dict[str, dict[str, dict[str, Any]]]:
    flights = [
        flight("HAT001", "BOS-DEN", "08:00:00", "10:00:00", {"2024-05-16": 100, "2024-05-17": 110}),
        flight("HAT002", "DEN-SEA", "11:00:00", "13:00:00", {"2024-05-16": 200, "2024-05-17": 220}),
        flight("HAT003", "BOS-DEN", "21:00:00", "01:00:00+1", {"2024-05-16": 60}),
        flight("HAT004", "DEN-SEA", "01:00:00", "03:00:00", {"2024-05-16": 80, "2024-05-17": 90}),
    ]
    anna = {"first_name": "Anna", "last_name": "Berg", "dob": "1990-01-02"}
    return {
        "flights": {item["flight_number"]: item for item in flights},
        "reservations": {
            "AAA111": {
                "reservation_id": "AAA111",
                "user_id": "anna_berg_1",
                "origin": "BOS",
                "destination": "DEN",
                "flight_type": "one_way",
                "cabin": "economy",
                "flights": [
                    {
                        "origin": "BOS",
                        "destination": "DEN",
                        "flight_number": "HAT001",
                        "date": "2024-05-16",
                        "price": 95,
                    }
                ],
                "passengers": [anna],
                "payment_history": [{"payment_id": "credit_card_1", "amount": 95}],
                "created_at": "2024-05-01T10:00:00",
                "total_baggages": 1,
                "nonfree_baggages": 1,
                "insurance": "no",
            }
        },
        "users": {
            "anna_berg_1": {
                "name": {"first_name": "Anna", "last_name": "Berg"},
                "address": {"address1": "1 Ä Street", "city": "Boston"},
                "email": "anna@example.com",
                "dob": "1990-01-02",
                "payment_methods": {
                    "credit_card_1": {
                        "source": "credit_card",
                        "brand": "visa",
                        "last_four": "1111",
                        "id": "credit_card_1",
                    },
                    "gift_card_1": {"source": "gift_card", "amount": 120, "id": "gift_card_1"},
                    "certificate_1": {"source": "certificate", "amount": 150, "id": "certificate_1"},
                },
                "saved_passengers": [],
                "membership": "gold",
                "reservations": ["AAA111"],
            }
        },
    }


def booking(**changed: Any) -> dict[str, Any]:
    """Arguments of a booking that succeeds: one passenger, one segment, 100 dollars by gift card."""
    return {
        "user_id": "anna_berg_1",
        "origin": "BOS",
        "destination": "DEN",
        "flight_type": "one_way",
        "cabin": "economy",
        "flights": [{"flight_number": "HAT001", "date": "2024-05-16"}],
        "passengers": [{"first_name": "Anna", "last_name": "Berg", "dob": "1990-01-02"}],
        "payment_methods": [{"payment_id": "gift_card_1", "amount": 100}],
        "total_baggages": 0,
        "nonfree_baggages": 0,
        "insurance": "no",
        **changed,
    }


def environment(*tasks: Task) -> TauEnvironment:
    return TauEnvironment(DOMAIN, "small", Dataset(Database(tables()), POLICY, tasks))


OFFICIAL_TASKS = [
    {
        "user_id": "anna_berg_1",
        "instruction": "You want to cancel AAA111.",
        "actions": [{"name": "cancel_reservation", "kwargs": {"reservation_id": "AAA111"}}],
        "outputs": ["95"],
    },
    {"user_id": "anna_berg_1", "instruction": "You want nothing.", "actions": [], "outputs": []},
]
TASKS_SOURCE = """from tau_bench.types import Action, Task

TASKS = [
    Task(
        annotator="0",
        user_id="anna_berg_1",
        instruction="You want to "
        "cancel AAA111.",
        actions=[Action(name="cancel_reservation", kwargs={"reservation_id": "AAA111"})],
        outputs=["95"],
    ),
    Task(annotator="1", user_id="anna_berg_1", instruction="You want nothing.", actions=[], outputs=[]),
]
"""


def write_folder(root: Path) -> Path:
    """Write the small airline as acc's layout has it: ``root/airline/…``."""
    folder = root / "airline"
    folder.mkdir(parents=True)
    _write_tables(folder)
    (folder / "policy.md").write_bytes(POLICY.encode())
    (folder / "tasks_test.json").write_text(json.dumps(OFFICIAL_TASKS))
    return root


def write_checkout(root: Path) -> Path:
    """Write the small airline as the benchmark's repository has it."""
    base = root / "tau_bench" / "envs" / "airline"
    (base / "data").mkdir(parents=True)
    _write_tables(base / "data")
    (base / "wiki.md").write_bytes(POLICY.encode())
    (base / "tasks_test.py").write_text(TASKS_SOURCE)
    (root / "LICENSE").write_text("MIT")
    return root


def _write_tables(folder: Path) -> None:
    for name, table in tables().items():
        (folder / f"{name}.json").write_text(json.dumps(table))
