"""Discussions and pull requests: how they are kept, what becomes of them, how they are told."""
