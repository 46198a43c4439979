"""The small architecture that is trained from nothing: about a million parameters, a vocabulary of its own.

A qwen3 shape (normalised queries and keys, which keeps training steady at a high learning rate). The vocabulary is learned
from the training prompts: byte-level BPE with digits one by one, so that any id can be spelt, and copied token by token.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from actorcritic_cli.critics.labels import CANDIDATES
from actorcritic_cli.critics.synthetic_vocab import CHAT_TEMPLATE, CONTROL_TOKENS, Vocabulary, learn, splitter
from actorcritic_cli.learn.training.recipe import Recipe


def small_tokenizer(texts: Iterable[str], recipe: Recipe) -> Any:
    """Return a tokeniser of transformers whose vocabulary is learned from texts."""
    from tokenizers import Tokenizer, decoders, models
    from transformers import PreTrainedTokenizerFast

    vocabulary: Vocabulary = learn(recipe.vocabulary, texts, CANDIDATES[0])
    known = vocabulary.tokens[: vocabulary.learned + len(CONTROL_TOKENS)]
    ids = {token: index for index, token in enumerate(known)}
    pairs = (merge.partition(" ") for merge in vocabulary.merges)
    merges = [(left, right) for left, _, right in pairs]
    backend = Tokenizer(models.BPE(vocab=ids, merges=merges))
    backend.pre_tokenizer = splitter()
    backend.decoder = decoders.ByteLevel()
    backend.add_special_tokens(list(CONTROL_TOKENS))
    end, _, turn = CONTROL_TOKENS
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=backend, bos_token=end, eos_token=turn, pad_token=end)
    tokenizer.chat_template = CHAT_TEMPLATE
    return tokenizer


def small_model(recipe: Recipe, tokenizer: Any) -> Any:
    """Return a model of the recipe's shape with random weights, drawn from torch's own generator."""
    from transformers import Qwen3Config, Qwen3ForCausalLM

    config = Qwen3Config(
        vocab_size=recipe.vocabulary,
        hidden_size=recipe.width,
        intermediate_size=recipe.feed_forward,
        num_hidden_layers=recipe.layers,
        num_attention_heads=recipe.heads,
        num_key_value_heads=recipe.heads,
        head_dim=recipe.width // recipe.heads,
        max_position_embeddings=recipe.context,
        rope_parameters={"rope_type": "default", "rope_theta": 10_000.0},
        tie_word_embeddings=True,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    return Qwen3ForCausalLM(config)
