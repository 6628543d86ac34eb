"""The picture of a topology: what is there, where it is, and a mark at each thing that is wrong."""
