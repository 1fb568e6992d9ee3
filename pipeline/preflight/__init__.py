"""What can be known before anything costs: of the machine, the Hub, the card and the test set."""
