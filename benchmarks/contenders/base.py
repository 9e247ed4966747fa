"""What the Django sites of all contenders have in common: one database, connections that persist, one middleware."""

import os

DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "HOST": os.environ["BENCH_HOST"],
        "USER": os.environ["BENCH_USER"],
        "NAME": os.environ["BENCH_DATABASE"],
        "CONN_MAX_AGE": int(os.environ.get("BENCH_CONN_MAX_AGE", "600")),
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
SECRET_KEY = "for benchmarks"
ALLOWED_HOSTS = ["*"]
USE_TZ = True
LANGUAGE_CODE = "en"
MIDDLEWARE = ["django.middleware.common.CommonMiddleware"]  # It writes Content-Length.
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}]
LOGGING_CONFIG = None
