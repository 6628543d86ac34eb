"""A topology: its document, and what is wrong with one, by itself and against what AWS shows."""
