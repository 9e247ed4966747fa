"""Deletion on a site that keeps a history of its users. `test_hosts.py` runs this in a process of its own."""

import pytest
from django.contrib.auth import get_user_model
from django.db import connection

User = get_user_model()
PHONE = "+12015550100"


@pytest.mark.django_db(transaction=True)
def test_a_history_with_a_key_refuses_the_deletion(sign_in, last_code):
    me = sign_in(PHONE)
    me.post("/api/users/me/get_verify_code/", format="json")
    refused = me.post("/api/users/me/delete/", {"code": last_code(PHONE)}, format="json")
    assert (refused.status_code, refused.json()["code"]) == (409, "deletion_refused")
    assert me.get("/api/users/me/").status_code == 200
    assert not User.history.filter(history_type="-").exists()


@pytest.mark.django_db(transaction=True)
def test_a_history_without_a_key_of_the_database_lets_users_go(sign_in, last_code):
    """As with `HistoricalRecords(user_db_constraint=False)`, which the documentation advises. The table stays so."""
    old = User.history.model._meta.get_field("history_user")
    new = old.clone()
    new.remote_field.model, new.db_constraint, new.model = User, False, old.model
    new.set_attributes_from_name(old.name)
    with connection.schema_editor() as editor:
        editor.alter_field(old.model, old, new)
    me = sign_in(PHONE)
    me.post("/api/users/me/get_verify_code/", format="json")
    assert me.post("/api/users/me/delete/", {"code": last_code(PHONE)}, format="json").status_code == 204
    assert not User.objects.exists()
    assert User.history.filter(history_type="-").exists()
