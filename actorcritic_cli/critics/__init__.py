"""Who judges: the prompt, the llama.cpp worker and its client."""
