"""The records of the state table as values, and how each is read whatever befell it."""
