"""Proving a phone number by a code. Knows nothing of referrals."""
