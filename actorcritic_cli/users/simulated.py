"""The user that is a model: it plays the customer that a task describes.

The roles are flipped: what the agent says is the model's *user* message, and what it answers is the user's turn. It sees
the agent's replies and nothing else. Agents of this protocol do not speak first, so the model is shown a greeting that
only it ever sees; otherwise it would have nothing to answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from actorcritic_cli.errors import PartyError, UsageError
from actorcritic_cli.providers.aliases import resolve
from actorcritic_cli.providers.options import CompletionOptions, options_from
from actorcritic_cli.types import Transcript
from actorcritic_cli.users.protocol import UserFailed, UserStrategy, UserTurn
from actorcritic_cli.users.strategies import STOP, Turn, words

GREETING = "Hi! How can I help you today?"

_RULES = f"""\
You play a customer who is talking to a service agent. This is who you are and what you want:

<instruction>
{{instruction}}
</instruction>

How to play the part:
- Write one line per turn, and only what the customer says.
- Do not give the whole instruction away at once: say what the present step of the conversation needs, no more.
- Invent nothing. What the instruction does not say (an order number, for example) you do not know or do not remember, \
and if you are asked for it, you say so.
- Do not repeat the instruction word for word: use words of your own that mean the same.
- Sound like a person, and keep to the personality that the instruction describes.
- When everything the instruction asks for is done, answer with {STOP} alone, without any other word. That ends the \
conversation."""


class SimulatedUser:
    """Says what a model makes of a task's instruction. Stateless: each turn is made from the transcript alone.

    ``model`` is an alias or a litellm name; ``options`` are those of ``CompletionOptions`` as JSON values, and ``strategy``
    (``llm``, ``react``, ``verify`` or ``reflection``: see ``strategies``). Raises ``UsageError`` for an empty name or an
    unknown option.
    """

    def __init__(
        self,
        model: str,
        task_instruction: str,
        options: Mapping[str, Any] | CompletionOptions | None = None,
    ):
        self._strategy: UserStrategy
        self._model = resolve(model)
        self._system = _RULES.format(instruction=task_instruction.strip())
        if isinstance(options, Mapping):
            options = dict(options)
            self._strategy = _strategy(options.pop("strategy", None))
        else:
            self._strategy = "llm"
        self._options = options_from(options)

    @property
    def name(self) -> str:
        """``llm:`` and the resolved model, with the strategy behind a plus if it is another than ``llm``."""
        return f"llm:{self._model.litellm_name}{'' if self._strategy == 'llm' else f'+{self._strategy}'}"

    def speak(self, transcript: Transcript) -> UserTurn:
        """Ask the model for the customer's next words. Raises ``UserFailed``."""
        turn = Turn(self._strategy, self._model, self._options)
        text = words(turn, flipped(self._system, transcript))
        if not text:
            sentence = (
                f"The simulated user ({self.name}) said nothing: choose another model for it, or raise its max_tokens."
            )
            raise UserFailed(PartyError(sentence, kind="protocol"), turn.call)
        return UserTurn(text, call=turn.call)


def flipped(system: str, transcript: Transcript) -> list[dict[str, Any]]:
    """Return the conversation as the user's model sees it: the agent's replies as ``user``, its own words as ``assistant``.

    Calls, results and text beside a call are left out; the greeting stands first unless the agent itself spoke first.
    """
    said = [
        {"role": "assistant" if message.role == "user" else "user", "content": message.content or ""}
        for message in transcript
        if message.role == "user" or (message.role == "assistant" and not message.tool_calls)
    ]
    said = [line for line in said if line["content"].strip()]
    if not said or said[0]["role"] == "assistant":
        said.insert(0, {"role": "user", "content": GREETING})
    return [{"role": "system", "content": system}, *said]


def _strategy(given: Any) -> UserStrategy:
    try:
        strategy: UserStrategy = msgspec.convert(given or "llm", UserStrategy)
    except msgspec.ValidationError as error:
        raise UsageError(f"There is no user strategy {given!r}; choose llm, react, verify or reflection.") from error
    return strategy
