"""How people and stacks create, change and delete a topology."""
