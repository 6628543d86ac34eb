"""From what AWS shows to a topology document."""
