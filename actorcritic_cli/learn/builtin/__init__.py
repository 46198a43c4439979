"""How the built-in critic is made, from nothing: its recipe, the commands that carry it out, and what came of them."""
