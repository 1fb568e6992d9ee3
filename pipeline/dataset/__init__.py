"""When texts are the same, near or personal, and files that need not fit into memory."""
