"""A data set's files: which of them make which split, and how they become rows."""
