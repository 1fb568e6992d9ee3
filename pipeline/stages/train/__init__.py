"""Stage `train`: the base fine-tuned on the clean rows."""
