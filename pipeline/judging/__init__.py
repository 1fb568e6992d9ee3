"""The gate as pure functions."""
