"""Who invited whom. Knows nothing of codes sent to phones."""
