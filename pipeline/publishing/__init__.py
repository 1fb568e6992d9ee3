"""One tree becomes main: staged, verified, merged, or taken back."""
