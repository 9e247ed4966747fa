"""The HTML pages: `path("", include("phone_referrals.pages.urls"))`. They call the same functions as the API."""
