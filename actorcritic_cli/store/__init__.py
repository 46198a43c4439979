"""The record in SQLite: migrations, recorder (writes), library (reads)."""
