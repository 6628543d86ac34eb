"""Turns what AWS shows into a topology document."""
