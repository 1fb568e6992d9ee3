"""Tests of `pipeline/isolated`."""
