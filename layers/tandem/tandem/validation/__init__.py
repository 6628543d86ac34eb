"""Whether a topology document holds: by itself, and against what AWS shows."""
