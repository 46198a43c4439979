"""The naive way: the whole answer written as JSON by ``Llama.create_chat_completion``.

It is set up as well as that interface allows. The same file, number of threads and context as ours; the threads wait as
they do by default, which is faster where nobody else needs the cores. Rubric, policy and tools stand first, in a system
message that never changes, then the conversation and the proposal, so that llama-cpp-python finds all but the newest
tokens in its cache; before each timed call the same conversation is read with another proposal (``max_tokens=1``). The
schema is enforced by its grammar, for ``response_format`` would be ignored; the verdict comes first, and sampling is off.
What a trained model writes it ends itself, within ``MAX_TOKENS``. A model with random weights knows no end, so it is stopped
where a true answer would have ended: after as many tokens, in its own vocabulary, as ``EXAMPLE`` has. What was written is
reported with its time.

A second, tersest schema has the verdict alone, which is the least that this interface can do.
"""

from __future__ import annotations

import json
import time
from typing import Any, Literal

from actorcritic_cli.bench.beside import serve
from actorcritic_cli.critics.protocol import Case

Words = Literal["critique", "verdict"]

MAX_TOKENS = 240
"""As many as our critic's critique may have."""
EXAMPLE = (
    '{"verdict": "approve", "rule": "A reservation may be cancelled within 24 hours of its booking.", "critique": "The '
    "reservation was booked less than 24 hours ago, the details were listed, and the user has confirmed the cancellation "
    'with a clear yes."}'
)
"""What the naive way answers of an action that may take effect, if it is written in earnest: one rule, one sentence."""

_VERDICT = {"type": "string", "enum": ["approve", "revise"]}
SCHEMAS: dict[Words, dict[str, Any]] = {
    "critique": {
        "type": "object",
        "properties": {"verdict": _VERDICT, "rule": {"type": "string"}, "critique": {"type": "string"}},
        "required": ["verdict", "rule", "critique"],
        "additionalProperties": False,
    },
    "verdict": {
        "type": "object",
        "properties": {"verdict": _VERDICT},
        "required": ["verdict"],
        "additionalProperties": False,
    },
}
"""What is asked for: a verdict with its rule and critique, or a verdict alone."""


def system_text(shared: str) -> str:
    """Return the system message: what our critic shares between sessions, but asked to answer in JSON."""
    return (
        f"{shared}\nAnswer with a JSON object: your verdict, approve or revise, the rule that it follows from, and a "
        "critique that says in a sentence what is right or wrong with the proposal.\n"
    )


def user_text(case: Case) -> str:
    """Return the user message: the conversation so far and the proposal."""
    from actorcritic_cli.critics.prompt import say

    said = [message for message in case.transcript if message.role != "system"]
    lines = [f"{message.role}: {say(message)}" for message in said]
    return "\n".join(["# Conversation", *lines, "# Proposal", say(case.proposal.message), "What is your verdict?"])


class Naive:
    """One ``Llama`` object and the grammars of both schemas."""

    def __init__(self) -> None:
        self._llama: Any = None
        self._grammars: dict[str, Any] = {}

    def load(self, question: dict[str, Any]) -> dict[str, Any]:
        """Load the model."""
        from llama_cpp import Llama, LlamaGrammar

        started = time.monotonic()
        self._llama = Llama(
            question["path"],
            n_ctx=question["n_ctx"],
            n_threads=question["threads"],
            n_threads_batch=question["threads"],
            seed=1,
            verbose=False,
        )
        self._grammars = {
            words: LlamaGrammar.from_json_schema(json.dumps(schema), verbose=False) for words, schema in SCHEMAS.items()
        }
        written = self._llama.tokenize(EXAMPLE.encode(), add_bos=False)
        return {"seconds": time.monotonic() - started, "example": len(written)}

    def answer(self, question: dict[str, Any]) -> dict[str, Any]:
        """Answer once: ``system`` and ``user`` are the messages, ``words`` names the schema, ``limit`` the tokens."""
        started = time.monotonic()
        done = self._llama.create_chat_completion(
            messages=[
                {"role": "system", "content": question["system"]},
                {"role": "user", "content": question["user"]},
            ],
            grammar=self._grammars[question["words"]],
            temperature=0.0,
            max_tokens=question.get("limit", MAX_TOKENS),
        )
        seconds = time.monotonic() - started
        choice = done["choices"][0]
        return {
            "seconds": seconds,
            "text": choice["message"]["content"] or "",
            "finish": choice["finish_reason"],
            "tokens": done["usage"]["completion_tokens"],
            "prompt": done["usage"]["prompt_tokens"],
        }


if __name__ == "__main__":
    side = Naive()
    serve({"load": side.load, "answer": side.answer})
