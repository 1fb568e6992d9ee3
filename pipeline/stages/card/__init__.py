"""Stage `card`: the model card, from the records alone."""
