"""`make bench`: how fast the failover is, beside what others do and beside the floor, on one machine."""
