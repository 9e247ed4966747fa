import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
# Every request may have a thread of its own, and so a connection that nobody would use again.
os.environ.setdefault("CONN_MAX_AGE", "0")

application = get_asgi_application()
