"""A model repository: which of its files are fetched, what kind of model they make, and whether it runs."""
