"""τ-bench environments: customer service over a small database, with tools, policy and an exact score.

What the domains share lies in its own file each: the store of records (``database``), how a tool is called and how it
answers (``tools``), tools every domain has (``common``), the state hash (``hashing``), the score (``scoring``), reading
a data set from disk (``dataset``, ``tasks``) and fetching the official one (``official``). A domain adds its tools, their
schemas and the check of its records (``airline``, ``airline_schemas``, ``airline_checks``). ``environment`` puts them
behind the protocol of ``envs``.
"""
