"""Stage `gate`: the candidate judged."""
