"""The pipeline: one module per step, `pin` to `release`. See `katman --help`."""
