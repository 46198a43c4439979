"""Where actions land: the protocol and the environments that speak it."""
