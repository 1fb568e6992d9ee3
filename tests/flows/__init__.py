"""Tests of the flow, on a real Prefect server."""
