from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin

from tests.hosts.email_user.models import User


@admin.register(User)
class UserAdmin(DjangoUserAdmin):  # type: ignore[type-arg]
    """Knows nothing of phones."""

    ordering = ("-pk",)
    list_display = ("email", "__str__", "is_staff")
    search_fields = ("email",)
    fieldsets = ((None, {"fields": ("email", "first_name", "is_active")}),)
