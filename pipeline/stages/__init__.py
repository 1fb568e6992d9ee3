"""One room per DVC stage."""
