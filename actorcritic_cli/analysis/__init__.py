"""Measures: pure functions over what the library reads."""
