"""Where sign-in and referrals meet: signing up with a code, and the profiles that show both."""
