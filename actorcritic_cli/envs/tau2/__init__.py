"""The environments of τ²-bench: ``tau2_airline`` and ``tau2_retail``."""
