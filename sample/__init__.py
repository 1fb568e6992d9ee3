"""The sample: the whole line offline, on generated triplets, against a Hub of its own."""
