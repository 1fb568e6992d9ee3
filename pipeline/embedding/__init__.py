"""Models loaded, texts encoded, vectors kept."""
