"""The bundled trips: invented travellers with hidden wishes, so that the game works offline.

All of it is our own: ``material`` and ``wishes_*`` hold names, prices, wishes and what travellers say of them; ``generate``
draws the trips from a seed and writes them as ``trips.json``, in the shape of the benchmark's scenario files.
"""

from __future__ import annotations

from pathlib import Path

TRIPS = Path(__file__).parent / "trips.json"
"""All bundled scenarios."""
