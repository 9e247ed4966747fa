"""The floor: what the calls cost where nothing is limited, checked or made for anybody else to extend."""

from contenders.base import *  # noqa: F403

INSTALLED_APPS = ["contenders.floor"]
ROOT_URLCONF = "contenders.floor.urls"
