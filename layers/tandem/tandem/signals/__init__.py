"""Reads what wakes a look: messages and log records of Route Server, events of AWS and of Tandem."""
