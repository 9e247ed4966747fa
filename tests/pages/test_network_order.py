import pytest

from phone_referrals.models import Referral
from phone_referrals.pages import network
from phone_referrals.referrals import tree

pytestmark = pytest.mark.django_db


def test_the_picture_is_the_same_in_whatever_order_the_database_finds_people(make_user, monkeypatch):
    me, a, b, c, d = map(make_user, range(5))
    for referrer, referred in [(me, a), (me, b), (a, c), (a, d)]:
        Referral.objects.create(referrer=referrer, referred=referred, code="A")
    drawn = []
    for order in [a, b, c, d], [b, a, d, c]:
        referrers = {a.pk: me.pk, b.pk: me.pk, c.pk: a.pk, d.pk: a.pk}
        found = [(each.pk, referrers[each.pk]) for each in order]
        monkeypatch.setattr(tree, "people_below", lambda *_args, found=found, **_options: found)
        drawn.append({(each.phone, each.x, each.y) for each in network.draw(me).people})
    assert drawn[0] == drawn[1]
