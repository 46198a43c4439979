"""Who proposes: litellm models and recorded conversations. Each actor is one file and knows no other party."""
