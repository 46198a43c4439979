"""Commands: parse, call, show. No logic lives here."""
