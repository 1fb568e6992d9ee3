"""Stage `pin`: data set, models and probes, each at one commit."""
