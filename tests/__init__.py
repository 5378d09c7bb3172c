"""A package, so that it comes before the `tests` that some distributions put beside themselves."""
