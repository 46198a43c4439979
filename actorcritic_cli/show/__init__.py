"""What a person sees: rich renderables of values. Computes nothing."""
