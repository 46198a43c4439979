"""How fast a critic is, measured on a recorded conversation, beside the naive way and beside what the model itself costs.

Three sides take turns within one run, each in a process of its own with the same number of threads and context:

- *ours*: ``LlamaCritic`` and its worker, as a session uses it: it reads along while the actor writes (``measure``);
- *naive*: the whole verdict written as JSON by llama-cpp-python's chat call (``naive``);
- *floor*: nothing but the model's pass over the same number of new tokens (``floor``), with threads that wait for each
  other as the worker's do.

Every ratio is taken between neighbours in time and the median of the ratios is reported, so that a machine that gets
slower in the course of a run bends no figure.
"""
