"""Describes how people and stacks create, change and delete a topology."""
