"""Stage `evaluate`: base, candidate, live and anchor on the same rows."""
