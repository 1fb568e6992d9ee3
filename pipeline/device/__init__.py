"""The device that computes: what it is and grants, how it multiplies, what its memory holds, whose turn."""
