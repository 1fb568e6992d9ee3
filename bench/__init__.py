"""Measurements against stock sentence-transformers; each prints its figures as one line of JSON."""
