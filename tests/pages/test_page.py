"""What all pages share: protection against forgery, caches, methods, languages, and whatever site they are part of."""

import re
from itertools import product
from pathlib import Path

import polib
import pytest
from django.conf import UserSettingsHolder, global_settings
from django.conf import settings as django_settings
from django.db import connection
from django.test import Client
from django.urls import resolve, reverse
from django.utils import translation

from phone_referrals.exceptions import CodeExpired, DeliveryFailed, TooManyGuesses
from phone_referrals.models import PhoneVerification
from phone_referrals.pages.page import FormPage, Page
from phone_referrals.pages.urls import urlpatterns
from phone_referrals.signin.forms import CodeForm

pytestmark = pytest.mark.django_db

BACKEND = "phone_referrals.signin.backend.PhoneCodeBackend"
NAMES = [pattern.name for pattern in urlpatterns]
POSTED_TO = ["profile", "set_language", "sign_in", "enter_code", "send_again", "sign_out", "sign_out_everywhere"]
OUT_OF_DATE = "This page was out of date. Please try again."


def address(name):
    return reverse(f"phone_referrals_pages:{name}", args=["A1B2C3"] if name == "invite" else [])


@pytest.fixture
def me(make_user):
    return make_user(50)


@pytest.fixture
def visitors(client, me, phone):
    """Return a browser of nobody, one that waits for a code, and one that is signed in; each enforces CSRF or not."""

    def visitors(**kwargs):
        nobody, waiting, somebody = (Client(**kwargs) for _ in range(3))
        anybody = Client()
        anybody.post("/sign-in/", {"phone_number": phone})
        waiting.cookies = anybody.cookies
        somebody.force_login(me, BACKEND)
        return {"nobody": nobody, "waiting": waiting, "somebody": somebody}

    return visitors


WHO = ["nobody", "waiting", "somebody"]


def test_every_page_is_here():
    assert {*NAMES} == {*POSTED_TO, "invitees", "invite"}


# Forged requests


FORGED = (None, "", "x" * 64, "x" * 32, "\0", "é", "a" * 100_000)


@pytest.mark.unmeasured
@pytest.mark.parametrize("who", WHO)
def test_a_forged_form_does_nothing_and_leads_back(visitors, outbox, text_of, last_code, who):
    browser = visitors(enforce_csrf_checks=True)[who]
    sent, session = len(outbox), dict(browser.session)
    data = {"phone_number": "+12015550199", "code": last_code("+12015550100"), "language": "ru", "referral_code": "A"}
    for name, token in product(POSTED_TO, FORGED):
        forged = data if token is None else {**data, "csrfmiddlewaretoken": token}

        answer = browser.post(address(name), forged)

        assert (answer.status_code, answer["Location"]) == (303, address(name)), (name, token)
        assert len(outbox) == sent, (name, token)
        assert not browser.cookies.get(django_settings.LANGUAGE_COOKIE_NAME), (name, token)
        assert dict(browser.session) == session, (name, token)
        assert PhoneVerification.objects.get().state.wrong_guesses_since_success == 0, (name, token)
        if token != FORGED[-1]:
            continue
        page = browser.get(answer["Location"], follow=True)
        assert page.status_code == 200, name
        if name != "set_language":  # This one leads to where it was, which a test's browser does not say.
            assert OUT_OF_DATE in text_of(page), name


def test_an_accept_header_that_django_cannot_read_is_400(client, monkeypatch):
    # What it raises depends on its version.
    def set_language(request):
        raise ValueError("Unable to parse header parameters (value too long).")

    monkeypatch.setattr("phone_referrals.pages.page.set_language", set_language)

    assert client.post(address("set_language"), {"language": "ru"}, headers={"accept": "a" * 20_000}).status_code == 400


def token_in(page):
    return re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page.content.decode())[1]


def test_a_form_of_ours_is_no_forgery(phone, last_code):
    browser = Client(enforce_csrf_checks=True)
    data = {"phone_number": phone, "csrfmiddlewaretoken": token_in(browser.get("/sign-in/"))}
    assert browser.post("/sign-in/", data)["Location"] == "/sign-in/code/"
    data = {"code": last_code(phone), "csrfmiddlewaretoken": token_in(browser.get("/sign-in/code/"))}
    assert browser.post("/sign-in/code/", data)["Location"] == "/"
    data = {"csrfmiddlewaretoken": token_in(browser.get("/"))}
    assert browser.post("/sign-out/", data)["Location"] == "/sign-in/"
    assert "_auth_user_id" not in browser.session


def test_an_outdated_form_keeps_where_its_visitor_was_going(db):
    answer = Client(enforce_csrf_checks=True).post("/sign-in/?next=/shop/", {"phone_number": "+12015550100"})
    assert (answer.status_code, answer["Location"]) == (303, "/sign-in/?next=/shop/")


def test_a_form_from_before_the_sign_in_is_out_of_date(phone, browser, text_of):
    one = Client(enforce_csrf_checks=True)
    old = token_in(one.get("/sign-in/"))
    # Another tab.
    trusting = Client()
    trusting.cookies = one.cookies
    browser(phone, trusting)

    answer = one.post("/sign-in/", {"phone_number": phone, "csrfmiddlewaretoken": old}, follow=True)

    assert answer.redirect_chain == [("/sign-in/", 303), ("/", 303)]
    assert OUT_OF_DATE in text_of(answer)


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://testserver.evil.example", "\0"])
def test_a_form_on_another_site_is_a_forgery(origin, phone, outbox):
    browser = Client(enforce_csrf_checks=True)
    data = {"phone_number": phone, "csrfmiddlewaretoken": token_in(browser.get("/sign-in/"))}

    answer = browser.post("/sign-in/", data, headers={"origin": origin})

    assert (answer.status_code, answer["Location"]) == (303, "/sign-in/")
    assert outbox == []


@pytest.mark.parametrize(
    "path", ["/r/a%0dSet-Cookie:%20a=b/", "/r//evil.example/", "/r/%2F%2Fevil.example/", "/r/\\evil/"]
)
def test_a_forged_form_leads_nowhere_else(path):
    answer = Client(enforce_csrf_checks=True).post(path)

    assert answer.status_code == 303
    assert answer["Location"].startswith("/r/")
    assert not re.search(r"[\r\n]", answer["Location"])


def test_forgery_is_refused_without_the_sites_middleware(settings, phone, outbox):
    settings.MIDDLEWARE = [each for each in settings.MIDDLEWARE if "Csrf" not in each]
    browser = Client(enforce_csrf_checks=True)
    token = token_in(browser.get("/sign-in/"))

    assert browser.post("/sign-in/", {"phone_number": phone})["Location"] == "/sign-in/"
    assert outbox == []
    answer = browser.post("/sign-in/", {"phone_number": phone, "csrfmiddlewaretoken": token})
    assert answer["Location"] == "/sign-in/code/"


def test_the_token_may_be_kept_in_the_session(settings, phone, outbox):
    settings.CSRF_USE_SESSIONS = True
    browser = Client(enforce_csrf_checks=True)
    token = token_in(browser.get("/sign-in/"))
    assert "csrftoken" not in browser.cookies

    browser.post("/sign-in/", {"phone_number": phone, "csrfmiddlewaretoken": token})

    assert len(outbox) == 1


# Methods and caches


@pytest.mark.unmeasured
@pytest.mark.parametrize("name", NAMES)
def test_no_cache_keeps_a_page(visitors, name):
    for who, browser in visitors().items():
        for answer in (browser.get(address(name)), browser.post(address(name)), browser.head(address(name))):
            assert "no-store" in answer["Cache-Control"], who
            assert "private" in answer["Cache-Control"], who


@pytest.mark.unmeasured
@pytest.mark.parametrize("who", WHO)
def test_no_method_fails(visitors, who):
    browser = visitors()[who]
    for name, method in product(NAMES, ("get", "head", "options", "put", "patch", "delete", "trace")):
        answer = getattr(browser, method)(address(name))
        assert answer.status_code in {200, 302, 303, 405}, (name, method)
        if method not in {"get", "head", "options"}:
            assert answer.status_code != 200, (name, method)


@pytest.mark.parametrize("who", WHO)
def test_a_page_that_only_acts_leads_to_its_button(visitors, who):
    browser = visitors()[who]
    for name in ("send_again", "sign_out", "sign_out_everywhere"):
        answer = browser.get(address(name), follow=True)

        assert answer.status_code == 200, name
        assert browser.head(address(name)).status_code in {302, 303}, name
        expected = {"nobody": "/sign-in/", "waiting": "/sign-in/code/", "somebody": "/"}[who]
        if who == "waiting" and name != "send_again":
            expected = "/sign-in/"
        assert answer.request["PATH_INFO"] == expected, name


def test_head_is_answered_as_get_without_a_body(visitors):
    for browser, name in product(visitors().values(), NAMES):
        get, head = browser.get(address(name)), browser.head(address(name))
        assert (get.status_code, get.headers.get("Location")) == (head.status_code, head.headers.get("Location")), name
        assert head.content == b"", name


@pytest.mark.unmeasured
@pytest.mark.django_db(transaction=True)
def test_no_page_is_one_transaction_with_atomic_requests(visitors, monkeypatch):
    browsers = visitors()
    monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", True)
    for browser, name in product(browsers.values(), NAMES):
        assert browser.get(address(name)).status_code < 500, name
        assert "default" in resolve(address(name)).func._non_atomic_requests, name


# Refusals of forms


@pytest.mark.parametrize(
    ("refusal", "status", "retry_after"),
    [
        (CodeExpired(), 400, None),
        (CodeExpired(retry_after=0), 400, None),
        (TooManyGuesses(retry_after=20), 429, "20"),
        (TooManyGuesses(retry_after=0), 429, "1"),
        (DeliveryFailed(), 503, None),
    ],
)
def test_a_refusal_is_shown_beside_its_field_with_its_status(rf, refusal, status, retry_after):
    class Specimen(FormPage):
        form_class = CodeForm
        field = "code"
        template_name = "phone_referrals/field.html"

        def form_valid(self, form):
            raise refusal

    request = rf.post("/", {"code": "123456"})
    request._dont_enforce_csrf_checks = True
    answer = Specimen.as_view()(request)

    assert answer.status_code == status
    assert answer.headers.get("Retry-After") == retry_after
    assert str(refusal.message) in answer.context_data["form"].errors["code"][0]


def test_a_page_of_the_site_needs_few_lines(rf, make_user):
    class Hello(Page):
        template_name = "phone_referrals/base.html"
        heading = "Hello & welcome"

        def get(self, request):
            return self.render_to_response(self.get_context_data())

    answer = Hello.as_view()(rf.get("/hello/"))

    assert "<h1>Hello &amp; welcome</h1>" in answer.render().content.decode()


def test_two_errors_of_a_field_are_under_one_id(client):
    page = client.post("/sign-in/", {"phone_number": "1" * 65 + "\0"}).content.decode()

    assert page.count('id="id_phone_number_error"') == 1
    assert "at most 64 characters" in page
    assert "Null characters are not allowed." in page


@pytest.mark.parametrize(
    ("path", "field", "data"),
    [("/sign-in/", "phone_number", {"phone_number": "x"}), ("/sign-in/code/", "code", {"code": "x"})],
)
def test_an_error_is_beside_its_field_announced_and_described(visitors, path, field, data):
    page = visitors()["waiting"].post(path, data).content.decode()

    (widget,) = re.findall(rf'<input [^>]*name="{field}"[^>]*>', page)
    assert 'aria-invalid="true"' in widget
    assert f"id_{field}_error" in re.search(r'aria-describedby="(.*?)"', widget)[1].split()
    assert " autofocus" in widget
    assert f'role="alert" id="id_{field}_error"' in page
    assert page.index(widget) < page.index(f'id="id_{field}_error"') < page.index("</div>", page.index(widget))
    assert "<title>Error: " in page


# Strict content security policy


def test_nothing_is_inline_and_nothing_comes_from_elsewhere(visitors):
    for browser, name in product(visitors().values(), ["profile", "invitees", "sign_in", "enter_code"]):
        page = browser.get(address(name), follow=True).content.decode()

        assert not re.findall(r"<script(?![^>]* src=)|<style|\sstyle=|\son\w+=|javascript:", page), name
        assert not re.findall(r'(?:src|href)="(?:https?:)?//', page), name


def test_the_files_of_ours_are_where_the_pages_look():
    static = Path(__file__).parents[2] / "src/phone_referrals/static/phone_referrals"
    assert {file.name for file in static.iterdir()} == {"admin.css", "icon.svg", "pages.css", "pages.js"}
    base = (static.parents[1] / "templates/phone_referrals/base.html").read_text()
    assert set(re.findall(r"static 'phone_referrals/(.*?)'", base)) == {"icon.svg", "pages.css", "pages.js"}


# Languages


@pytest.mark.parametrize(
    ("accept", "lang", "said"),
    [("en", "en", "Send the code"), ("ru", "ru", "Отправить код"), ("de, ru;q=0.5", "ru", "Отправить код")],
)
def test_a_page_is_in_the_language_of_the_browser(client, accept, lang, said):
    page = client.get("/sign-in/", headers={"accept-language": accept}).content.decode()
    assert f'<html lang="{lang}" dir="ltr">' in page
    assert said in page


def test_switching_the_language_stays_on_the_page(client):
    page = client.get("/sign-in/?next=/elsewhere/").content.decode()
    assert re.search(r'value="en" lang="en" aria-current="true">English<', page)
    assert re.search(r'value="ru" lang="ru">Русский<', page)
    assert '<input type="hidden" name="next" value="/sign-in/?next=/elsewhere/">' in page

    answer = client.post("/language/", {"language": "ru", "next": "/sign-in/?next=/elsewhere/"})

    assert answer["Location"] == "/sign-in/?next=/elsewhere/"
    assert "Отправить код" in client.get(answer["Location"]).content.decode()


@pytest.mark.parametrize(
    "target", ["//evil.example", "https://evil.example/", "\\\\evil.example", "javascript:alert(1)"]
)
def test_switching_the_language_leads_to_no_other_site(client, target):
    assert client.post("/language/", {"language": "ru", "next": target})["Location"] == "/"


@pytest.mark.parametrize("language", ["", "xx", "../../ru", "<script>", "\0", "r" * 10_000])
def test_a_language_that_is_none_changes_nothing(client, language):
    answer = client.post("/language/", {"language": language, "next": "/sign-in/"})
    assert answer.status_code == 302
    assert not client.cookies


def offered(page):
    return re.findall(r'name="language" value="(.*?)"', page.content.decode())


def test_a_site_with_one_language_shows_no_switch(client, settings):
    settings.LANGUAGES = [("en", "English")]
    assert offered(client.get("/sign-in/")) == []


@pytest.mark.parametrize("own", ["en", "ru", "de"])
def test_the_languages_are_the_sites_that_the_pages_have(client, settings, own):
    settings.LANGUAGE_CODE = own
    settings.LANGUAGES = [("en-gb", "English"), ("de", "Deutsch"), ("fr", "Français"), ("ru", "Русский")]
    assert offered(client.get("/sign-in/")) == ["en-gb", "ru"]


def test_a_language_that_the_site_translates_is_offered(client, settings, tmp_path):
    catalogue = polib.POFile()
    catalogue.metadata = {"Content-Type": "text/plain; charset=utf-8"}
    catalogue.append(polib.POEntry(msgid="This page was out of date. Please try again.", msgstr="Diese Seite war alt."))
    (tmp_path / "de/LC_MESSAGES").mkdir(parents=True)
    catalogue.save_as_mofile(str(tmp_path / "de/LC_MESSAGES/django.mo"))
    settings.LOCALE_PATHS = [tmp_path]
    settings.LANGUAGES = [("en", "English"), ("de", "Deutsch"), ("fr", "Français")]
    assert offered(client.get("/sign-in/")) == ["en", "de"]


@pytest.fixture
def unset(monkeypatch):
    """Have the settings file not say a thing."""

    def unset(name):
        holder = django_settings._wrapped
        while isinstance(holder, UserSettingsHolder):
            holder = holder.default_settings
        monkeypatch.setattr(holder, "_explicit_settings", holder._explicit_settings - {name})
        monkeypatch.setattr(holder, name, getattr(global_settings, name))

    return unset


def test_a_site_without_languages_offers_the_packages(client, unset):
    unset("LANGUAGES")
    assert offered(client.get("/sign-in/")) == ["en", "ru"]


@pytest.fixture
def no_translations(settings, monkeypatch):
    """A site with `USE_I18N` off."""
    # Django keeps the functions that it has chosen by the setting.
    monkeypatch.setattr("django.utils.translation._trans", type(translation._trans)())
    settings.USE_I18N = False


def test_no_switch_is_shown_on_a_site_without_translations(client, no_translations):
    assert offered(client.get("/sign-in/")) == []


def test_no_switch_is_shown_where_nothing_would_heed_it(settings):
    settings.MIDDLEWARE = [each for each in settings.MIDDLEWARE if "Locale" not in each]
    assert offered(Client().get("/sign-in/")) == []


def test_a_site_without_translations_has_all_pages_in_english(
    no_translations, phone, browser, enter, text_of, ask, last_code, wrong
):
    ask(phone)
    assert "Wrong code. 4 tries left." in text_of(enter(wrong(last_code(phone))))
    client = browser("+12015550101")
    assert "Your referral code" in text_of(client.get("/", headers={"accept-language": "ru"}))


# Sites


def test_a_site_may_have_no_messages_and_no_languages(settings, phone, browser, text_of, make_user):
    missing = ("Locale", "Message", "Csrf")
    settings.MIDDLEWARE = [each for each in settings.MIDDLEWARE if not any(name in each for name in missing)]
    settings.INSTALLED_APPS = [each for each in settings.INSTALLED_APPS if each != "django.contrib.messages"]
    settings.TEMPLATES = [{**settings.TEMPLATES[0], "OPTIONS": {"context_processors": []}}]
    one = Client()
    browser(phone, one)
    assert "Your referral code" in text_of(one.get("/"))
    assert one.post("/", {"referral_code": "NOBODY"}).status_code == 400
    assert one.post("/sign-out/")["Location"] == "/sign-in/"
    # Too soon, which is told by a message where there are some.
    assert Client().post("/sign-in/", {"phone_number": phone})["Location"] == "/sign-in/code/"
    assert Client().post("/sign-in/code/")["Location"] == "/sign-in/"
    assert Client(enforce_csrf_checks=True).post("/sign-in/")["Location"] == "/sign-in/"


def test_a_site_may_ask_everybody_to_sign_in(settings, phone, browser):
    settings.LOGIN_URL = "phone_referrals_pages:sign_in"
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "django.contrib.auth.middleware.LoginRequiredMiddleware"]
    assert Client().get("/elsewhere/")["Location"] == "/sign-in/?next=/elsewhere/"
    assert Client().get("/sign-in/").status_code == 200
    assert Client().get("/r/A1B2C3/")["Location"] == "/sign-in/?invite=A1B2C3"
    assert Client().get("/")["Location"] == "/sign-in/?next=/"
    assert browser(phone).get("/").status_code == 200


def journey(root, phone, last_code, client):
    """Walk through all pages below `root`; return every address that a page or an answer leads to."""
    led = []

    def see(answer):
        assert answer.status_code in {200, 303}, answer
        if answer.status_code == 303:
            led.append(answer["Location"])
        led.extend(re.findall(r'(?:href|action)="([^"]+)"', answer.content.decode()))
        led.extend(re.findall(r"http://testserver([^<]*)", answer.content.decode()))
        return answer

    see(client.get(f"{root}/sign-in/"))
    see(client.post(f"{root}/sign-in/", {"phone_number": phone}))
    see(client.get(f"{root}/sign-in/code/"))
    see(client.post(f"{root}/sign-in/code/again/"))
    see(client.post(f"{root}/sign-in/code/", {"code": last_code(phone)}))
    see(client.get(f"{root}/"))
    see(client.get(f"{root}/invitees/"))
    see(client.get(f"{root}/sign-in/"))
    see(client.post(f"{root}/sign-out/"))
    see(client.get(f"{root}/r/A1B2C3/"))
    see(client.post(f"{root}/sign-out/everywhere/"))
    return {each for each in led if not each.startswith("phone_referrals/")}


@pytest.mark.parametrize(("urls", "root"), [("urls_of_prefix", "/account"), ("urls_of_two", "/account"), ("urls", "")])
def test_the_pages_may_be_anywhere_on_a_site(settings, phone, last_code, client, urls, root):
    settings.ROOT_URLCONF = f"tests.pages.{urls}"
    led = journey(root, phone, last_code, client)
    if urls == "urls_of_two":  # Links to share are of one instance, whoever makes them.
        led = {each for each in led if not each.startswith("/r/")}
    assert f"{root}/sign-in/code/" in led
    assert {each for each in led if not each.startswith(f"{root}/")} == set()
    assert client.get(f"{root}/")["Location"] == f"{root}/sign-in/?next={root}/"


def test_the_site_may_be_served_under_a_path(phone, last_code, script_prefix):
    script_prefix("/shop")
    led = journey("", phone, last_code, Client())
    assert {each for each in led if not each.startswith("/shop/")} == set()
    assert Client().get("/")["Location"] == "/shop/sign-in/?next=/shop/"
    assert Client(enforce_csrf_checks=True).post("/sign-in/")["Location"] == "/shop/sign-in/"


def test_a_site_overrides_the_base_and_one_page(settings, phone, browser, text_of):
    directory = Path(__file__).parent / "templates"
    settings.TEMPLATES = [{**settings.TEMPLATES[0], "DIRS": [directory]}]
    client = browser(phone)

    profile, invitees = client.get("/"), client.get("/invitees/")

    assert text_of(profile).startswith("Your profile – Our Site")
    assert "Hello, +1 201-555-0100" in text_of(profile)
    assert "Your referral code" not in text_of(profile)
    # The other pages follow the base.
    assert text_of(invitees).startswith("People you invited – Our Site")
    assert "Nobody yet." in text_of(invitees)
    assert text_of(Client().get("/sign-in/")).startswith("Sign in – Our Site")


def test_a_page_of_the_site_may_lead_to_ours_from_anywhere(rf):
    page = Page()
    page.request = rf.get("/")
    page.request.resolver_match = None
    assert page.to("sign_in") == "/sign-in/"


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/", "/sign-in/", "/sign-in/code/", "/sign-out/", "/invitees/", "/r/ABC234/"])
def test_a_session_key_with_a_nul_is_refused(path):
    client = Client(headers={"cookie": 'sessionid="aaaaaaaa\\000"'})
    assert [client.get(path).status_code, client.post(path).status_code] == [400, 400]
