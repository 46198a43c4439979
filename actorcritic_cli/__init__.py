"""acc: supervise an LLM agent while it works and explain afterwards what happened.

The package is laid out as rooms; each room's ``__init__`` says what it is for. ``types`` holds the vocabulary that all
rooms share. Dependencies point one way: ``cli`` → {``session``, ``replay``, ``analysis``, ``exchange``} →
{``actors``, ``critics``, ``users``, ``envs``} → ``types``. ``store`` records events and knows no party; ``show`` prints
values and computes nothing.
"""

__version__ = "0.1.0"
