"""Sign-in by phone number and a referral programme for Django."""

__version__ = "0.1.0"
