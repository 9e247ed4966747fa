"""Who invited whom. Knows nothing of phones and codes sent to them."""
