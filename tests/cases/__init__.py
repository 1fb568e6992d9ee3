"""Inputs as users bring them: the whole line is run on each case of a folder, and what came is printed."""
