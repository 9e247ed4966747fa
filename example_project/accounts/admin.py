from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from phone_referrals.admin import PhoneUserAdminMixin


@admin.register(User)
class UserAdmin(PhoneUserAdminMixin, DjangoUserAdmin):  # type: ignore[type-arg]
    """Django's own, without the fields that a phone-first user does not have."""

    ordering = ["-date_joined"]
    list_display = ["phone_number", "is_active", "is_staff", "date_joined"]
    search_fields = ["phone_number"]
    readonly_fields = ["last_login", "date_joined"]
    fieldsets = [
        (None, {"fields": ["phone_number", "password"]}),
        (_("Permissions"), {"fields": ["is_active", "is_staff", "is_superuser", "groups", "user_permissions"]}),
        (_("Important dates"), {"fields": ["last_login", "date_joined"]}),
    ]
    add_fieldsets = [(None, {"fields": ["phone_number", "usable_password", "password1", "password2"]})]
