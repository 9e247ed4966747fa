"""Referrals: codes, invitations and the users that they brought. Works without sign-in by phone."""
