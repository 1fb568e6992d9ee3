"""The pipeline: one module per step, `pin` to `release`. See `python -m pipeline --help`."""
