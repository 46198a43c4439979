"""Trained critics as GGUF files for llama.cpp, with what a critic's file says of itself in ``acc.*`` metadata."""
