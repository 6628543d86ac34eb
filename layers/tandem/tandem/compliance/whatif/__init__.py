"""The N-1 table: where every Elastic IP ends if something fails now."""
