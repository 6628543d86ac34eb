"""Judges by rules whether the next failover will work."""
