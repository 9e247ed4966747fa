"""How the package is built, and no part of it: by setuptools, and with the same outcome whenever and wherever.

setuptools writes into a source archive the times and modes that files have on this machine, and the hour into its gzip
header. Here they are those of SOURCE_DATE_EPOCH, or of 1980 where that is not set. A wheel heeds that variable, but has
the modes of new files, which are as the shell of whoever builds it says.
"""

import gzip
import io
import os
import tarfile
from pathlib import Path
from typing import Any

from setuptools import build_meta
from setuptools.build_meta import *  # noqa: F403 - all the other hooks are setuptools' own

LONG_AGO = 315532800  # 1980, before which a wheel has no dates.


def build_sdist(sdist_directory: str, config_settings: Any = None) -> str:
    name: str = build_meta.build_sdist(sdist_directory, config_settings)
    archive = Path(sdist_directory, name)
    archive.write_bytes(settled(archive.read_bytes(), int(os.environ.get("SOURCE_DATE_EPOCH", LONG_AGO))))
    return name


def build_wheel(wheel_directory: str, config_settings: Any = None, metadata_directory: Any = None) -> str:
    before = os.umask(0o022)
    try:
        name: str = build_meta.build_wheel(wheel_directory, config_settings, metadata_directory)
    finally:
        os.umask(before)
    return name


def settled(archive: bytes, time: int) -> bytes:
    """Return the same archive with its members in order, of one time, of nobody, and of one of two modes."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=io.BytesIO(archive)) as old, tarfile.open(fileobj=packed, mode="w") as new:
        for member in sorted(old.getmembers(), key=lambda each: each.name):
            member.mtime, member.uid, member.gid, member.uname, member.gname = time, 0, 0, "root", "root"
            member.mode = 0o755 if member.isdir() or member.mode & 0o100 else 0o644
            member.pax_headers = {}
            new.addfile(member, old.extractfile(member))
    return gzip.compress(packed.getvalue(), mtime=time)
