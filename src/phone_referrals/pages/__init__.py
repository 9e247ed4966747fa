"""The HTML door: `path("", include("phone_referrals.pages.urls"))`. It calls the same functions as the API does."""
