"""Tandem keeps an Elastic IP and the route that leads to it on the same appliance."""

__version__ = "0.1.0"
