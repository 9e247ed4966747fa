from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin

from phone_referrals.admin import PhoneUserAdminMixin  # +
from tests.hosts.phone_first.models import User


@admin.register(User)
class UserAdmin(PhoneUserAdminMixin, DjangoUserAdmin):  # type: ignore[type-arg]  # +
    ordering = ("-pk",)
    list_display = ("phone_number", "is_staff")
    list_filter = ("is_staff",)
    search_fields = ("phone_number",)
    fieldsets = ((None, {"fields": ("phone_number", "is_active", "is_staff")}),)
    add_fieldsets = ((None, {"fields": ("phone_number", "usable_password", "password1", "password2")}),)
    filter_horizontal = ()
