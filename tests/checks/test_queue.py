import pytest

from phone_referrals import checks
from phone_referrals.checks import ids as check_ids


@pytest.fixture
def tasks(settings):
    def tasks(path, **options):
        settings.TASKS = {"default": {"BACKEND": path, **options}}

    return tasks


def test_a_queue_with_a_backend_that_can_run_tasks_later_will_do(settings, queue):
    assert checks.check_settings() == []


def test_without_a_queue_no_backend_is_asked_for(settings, tasks):
    tasks("nowhere.Backend")
    assert checks.check_settings() == []


@pytest.mark.parametrize("name", ["immediate.ImmediateBackend", "nowhere.Backend"])
def test_a_backend_that_cannot_run_tasks_later_is_refused(settings, queue, tasks, name):
    tasks(f"{queue.package}.backends.{name}")
    assert [message.id for message in checks.check_settings()] == [check_ids.SMS_QUEUE_WRONG]


def test_a_queue_that_the_backend_does_not_have_is_refused(settings, queue):
    settings.PHONE_REFERRALS_SMS_QUEUE = "sms"
    [message] = checks.check_settings()
    assert message.id == check_ids.SMS_QUEUE_WRONG
    assert "'sms'" in message.msg


def test_a_site_without_django_tasks_is_told_what_to_install(settings, queue, monkeypatch):
    monkeypatch.setattr("phone_referrals.signin.delivery.TASK", "phone_referrals.nowhere.task")
    [message] = checks.check_settings()
    assert message.id == check_ids.SMS_QUEUE_WRONG
    assert "django-phone-referrals[tasks]" in message.hint
