"""Sign-in by phone number and a referral programme for Django."""

__version__ = "1.0.0"
