"""What a verdict says, in words: names, figures, the sentence that decides, and what to do."""
