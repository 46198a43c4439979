"""What a file with your own agent imports: ``from actorcritic_cli.own import tool``.

The whole of it is described, with an example, in ``envs/own/example/your-own-agent.md``.
"""

from actorcritic_cli.envs.own.api import ToolError, sqlite, tool

__all__ = ["ToolError", "sqlite", "tool"]
