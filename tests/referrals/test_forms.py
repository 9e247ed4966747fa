from phone_referrals.referrals.pages import RedeemForm


def test_a_phone_offers_capitals_and_corrects_nothing():
    widget = str(RedeemForm()["referral_code"])
    assert all(each in widget for each in ('autocomplete="off"', 'autocapitalize="characters"', 'spellcheck="false"'))
