"""Your own agent: a Python file whose functions are the tools, with a policy, tasks and a scorer beside it.

``acc run --env desk.py`` and every other command take the file's path where they take the name of an environment. What
the file may hold is described in ``example/your-own-agent.md``; the example there is complete and tested. The files here,
in the order in which a path becomes an environment: ``api`` (what the file imports), ``definition`` (reading it),
``signature`` (a function's types and docstring as a tool), ``states`` (copying and hashing its state), ``environment``
(the protocol of this room) and ``family`` (how the registry finds it all).
"""
