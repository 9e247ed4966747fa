import pytest
from django.contrib.auth import get_user_model

from phone_referrals.referrals.codes import code_of
from phone_referrals.referrals.redeem import redeem

pytestmark = pytest.mark.django_db


def page(staff, url, user):
    return staff.get(url(get_user_model(), "change", user.pk)).content.decode()


def test_a_users_page_shows_its_code_and_its_network_above_and_below(staff, url, make_user):
    top, me, below, deeper = [make_user(number) for number in range(1, 5)]
    redeem(me, code_of(top).code)
    redeem(below, code_of(me).code)
    redeem(deeper, code_of(below).code)
    text = page(staff, url, me)
    assert code_of(me).code in text
    for other, number in ((top, "01"), (below, "03"), (deeper, "04")):
        assert f'<a href="/admin/phone_first/user/{other.pk}/change/">+1 *** *** **{number}</a>' in text
    assert text.count('<figure class="network">') == 2
    assert "phone_referrals/admin.css" in text


def test_a_user_alone_has_no_picture(staff, url, make_user):
    assert "<figure" not in page(staff, url, make_user(1))


def test_a_user_is_added_without_referrals(staff, url):
    text = staff.get(url(get_user_model(), "add")).content.decode()
    assert "field-phone_referral" not in text


@pytest.mark.parametrize(
    ("query", "found"), [("+1 (201) 555-0101", 1), ("+12015550102", 0), ("0101", 1), ("", 2), ("nobody", 0)]
)
def test_users_are_found_by_a_number_in_any_spelling_and_by_what_the_host_searches(staff, url, make_user, query, found):
    make_user(1)
    assert staff.get(url(get_user_model(), "changelist"), {"q": query}).context["cl"].result_count == found


def test_the_number_of_statements_does_not_grow_with_the_network(staff, url, make_user, django_assert_max_num_queries):
    me = make_user(1)
    code = code_of(me).code
    for number in range(2, 12):
        redeem(make_user(number), code)
    with django_assert_max_num_queries(12):
        page(staff, url, me)
