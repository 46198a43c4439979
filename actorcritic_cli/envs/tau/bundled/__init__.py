"""The bundled data sets: an invented airline and an invented shop, so that everything works offline.

All of it is our own: ``generate_airline`` and ``generate_retail`` write the databases from a seed, policies and tasks are
written by hand. The records have the same shapes as those of τ-bench v1, so the same tools act on both.
"""

from __future__ import annotations

from pathlib import Path

AIRLINE = Path(__file__).parent / "airline"
"""Folder with ``flights.json``, ``reservations.json``, ``users.json``, ``policy.md`` and ``tasks.json``."""
RETAIL = Path(__file__).parent / "retail"
"""Folder with ``orders.json``, ``products.json``, ``users.json``, ``policy.md`` and ``tasks.json``."""
