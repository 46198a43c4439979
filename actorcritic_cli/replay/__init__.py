"""Recorded sessions again: their story, their verification, their differences."""
