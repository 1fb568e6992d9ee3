"""What a person sees of a run: its page in Prefect, and the lines at a terminal."""
