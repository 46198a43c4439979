"""The bundled data set: an invented airline with its policy, customers and tasks, so that everything works offline.

All of it is our own: ``generate_airline`` writes the database from a seed, the policy and the tasks are written by hand.
The records have the same shapes as those of τ-bench v1, so the same tools act on both.
"""

from __future__ import annotations

from pathlib import Path

AIRLINE = Path(__file__).parent / "airline"
"""Folder with ``flights.json``, ``reservations.json``, ``users.json``, ``policy.md`` and ``tasks.json``."""
