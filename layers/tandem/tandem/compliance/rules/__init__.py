"""The rules, each group in a module of its own."""
