"""Stage `audit`: every row checked, and every split against the others."""
