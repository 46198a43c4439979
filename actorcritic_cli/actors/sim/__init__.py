"""Simulated actors: agents that know a task's ground truth, for tests, training and demonstrations.

``sim:expert`` holds a perfect conversation. ``sim:hasty`` is the same agent with seeded slips (``slips`` has the catalogue
and the rates). Both label every proposal of theirs as right or wrong, which makes sessions with them a measure of critics,
and data to train critics on, without a model and without cost. What they show is how a *simulated* actor fares: no number of
theirs says anything about a language model, and whatever prints such a number says so.
"""
