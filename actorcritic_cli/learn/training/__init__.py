"""Trains critics: from labelled cases to weights, on the very tokens that the engine reads at run time.

torch, transformers and peft come with the extra ``acc[train]`` and are imported inside the functions that need them.
"""
