"""``python -m actorcritic_cli``: the same as ``acc``."""

from actorcritic_cli.cli.start import main

main()
