"""OpenAI's chat completions: its requests, its streams, and our refusals in its words."""
