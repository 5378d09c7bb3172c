"""A small web application: questions, votes and results, served by Tercel."""
