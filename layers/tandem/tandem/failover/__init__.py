"""One look: what the FIB says, who owns each group, which Elastic IPs move, and what is told of it."""
