"""Documents about the project, and what draws their pictures."""
