"""What differs between languages: letters and their case, numbers in words, negations, countries."""
