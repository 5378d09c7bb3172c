"""The pages: a request in, what a template needs or a redirect out."""
