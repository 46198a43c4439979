"""Who asks: a person, a script, or a model that plays a customer."""
