"""The supervised turn: the loop as a generator of typed events, decide(), budgets, resume."""
