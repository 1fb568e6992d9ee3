"""Equal candidates before the real gate, and candidates with planted damage."""
