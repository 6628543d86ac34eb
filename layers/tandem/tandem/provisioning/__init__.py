"""Brings a topology to a Route Server that works, is watched and stays so."""
