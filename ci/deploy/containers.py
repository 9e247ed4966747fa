"""Build and run what a Dockerfile and a compose file say where no container engine runs: in namespaces of Linux.

The same instructions, paths, users, mounts, environments and command lines, taken from the files. Not the same: the
base images, for which this machine's Python, nginx and Redis stand in.
"""

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

# What the images may write to, or bring; the rest of the file system is this machine's.
OWN = ("opt", "srv", "etc/nginx", "etc/hosts")
PATH = "/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class Machine:
    """A directory that stands in for the file systems of all images, which differ in nothing that they share."""

    def __init__(self, root):
        self.root = root
        for name in ("opt", "srv", "etc/nginx/gateway.d"):
            (root / name).mkdir(parents=True, exist_ok=True)
        shutil.copy("/etc/nginx/mime.types", root / "etc/nginx")
        self.name({})

    def name(self, addresses):
        """Let services find each other by their names."""
        lines = [f"{address} {name}\n" for name, address in {"localhost": "127.0.0.1", **addresses}.items()]
        (self.root / "etc/hosts").write_text("".join(lines))

    def path(self, absolute):
        return self.root / str(absolute).lstrip("/")

    def mounts(self):
        # A Python of somebody's home directory is where the images have theirs.
        binds = [(sys.base_prefix, "/usr/local"), *((self.root / name, f"/{name}") for name in OWN)]
        return [shlex.join(["mount", "--bind", str(source), target]) for source, target in binds]


class Image:
    """What a stage of a Dockerfile does, and leaves behind for those who run it."""

    def __init__(self):
        self.directory, self.user, self.environment, self.steps = "/", "0:0", {"PATH": PATH}, []
        self.entrypoint, self.command, self.healthcheck, self.stop_signal = [], [], [], "SIGTERM"


# Instructions that only say how an image is to be run; one that we do not know fails.
ATTRIBUTES = {
    "USER": ("user", str),
    "ENTRYPOINT": ("entrypoint", json.loads),
    "CMD": ("command", json.loads),
    "HEALTHCHECK": ("healthcheck", lambda rest: json.loads(rest.partition("CMD ")[2])),
    "STOPSIGNAL": ("stop_signal", str),
    "EXPOSE": ("ports", str),
}


def read(dockerfile):
    """Return the stages of a Dockerfile by their names."""
    images, image = {}, None
    lines = [line for line in dockerfile.read_text().splitlines() if line and not line.startswith("#")]
    for line in re.sub(r"\\\n\s*", "", "\n".join(lines)).splitlines():
        name, rest = line.split(maxsplit=1)
        match name:
            case "FROM":
                image = images[re.search(r" AS (\w+)$", rest)[1]] = Image()
            case "ENV":
                words = dict(word.split("=", 1) for word in shlex.split(rest))
                image.environment |= {key: value.replace("$PATH", PATH) for key, value in words.items()}
            case "WORKDIR":
                image.directory = rest
                image.steps.append((make_directory, rest, rest))
            case "COPY" | "RUN":
                image.steps.append((copy if name == "COPY" else run, image.directory, rest))
            case _:
                attribute, read_as = ATTRIBUTES[name]
                setattr(image, attribute, read_as(rest))
    return images


def build(images, context, machine):
    """Carry the steps of all images out, as root."""
    for image in images.values():
        for step, directory, rest in image.steps:
            step(rest, directory, image, context, machine)


def make_directory(rest, directory, image, context, machine):
    machine.path(rest).mkdir(parents=True, exist_ok=True)


def run(rest, directory, image, context, machine):
    script = [*machine.mounts(), shlex.join(["cd", directory]), rest]
    # Downloads are kept from run to run; an image has no use for them.
    environment = {**os.environ, **image.environment, "PIP_QUIET": "2", "PIP_NO_CACHE_DIR": "0"}
    subprocess.run(["unshare", "--mount", "sh", "-euc", "\n".join(script)], env=environment, check=True)


def copy(rest, directory, image, context, machine):
    words = shlex.split(rest)
    from_stage = words[0].startswith("--from=")
    *sources, target = words[from_stage:]
    for name in sources:
        source = machine.path(name) if from_stage else context / name
        destination = machine.path(os.path.normpath(Path(directory, target)))
        if target.endswith("/"):
            destination /= source.name
        if source == destination:
            continue  # Stages share their files here.
        destination.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, destination, ignore=shutil.ignore_patterns("__pycache__"), dirs_exist_ok=True)
        else:
            shutil.copy(source, destination)


class Service:
    """A service of a compose file (as `docker compose config` prints it), run by its own or its image's command."""

    def __init__(self, name, compose, image, machine, logs):
        self.name, self.spec, self.image, self.machine = name, compose["services"][name], image, machine
        self.log = logs / f"{name}.log"
        self.log.touch(0o666)
        self.log.chmod(0o666)  # It is opened as /dev/stdout, by a user without rights.
        self.process = None

    def argv(self, command):
        root = self.machine
        script = root.mounts()
        for volume in self.spec.get("volumes", []):
            inside = root.path(volume["target"])
            if Path(volume["source"]).is_dir():
                inside.mkdir(parents=True, exist_ok=True)
            else:
                inside.touch()
            script.append(shlex.join(["mount", "--bind", volume["source"], volume["target"]]))
        script.append(shlex.join(["cd", self.image.directory]))
        user, group = str(self.spec.get("user", self.image.user)).split(":")
        limits = ["setpriv", "--reuid", user, "--regid", group, "--clear-groups"]
        if self.spec.get("read_only"):
            script.append("mount -o remount,bind,ro /")
        if self.spec.get("cap_drop") == ["ALL"]:
            limits += ["--bounding-set=-all", "--inh-caps=-all"]
        if "no-new-privileges:true" in self.spec.get("security_opt", []):
            limits += ["--no-new-privs"]
        # Last: they may hide where the files above come from.
        if "/tmp" in self.spec.get("tmpfs", []):
            script.append("mount -t tmpfs -o mode=1777 tmpfs /tmp")
        script.append(f'exec {shlex.join(limits)} -- "$@"')
        return ["unshare", "--mount", "sh", "-euc", "\n".join(script), "sh", *command]

    def environment(self):
        found = {key: str(value) for key, value in self.spec.get("environment", {}).items()}
        # This machine's Python may look for its library where this user may not go.
        return {"LD_LIBRARY_PATH": "/usr/local/lib", **self.image.environment, **found}

    def popen(self, command, **options):
        return subprocess.Popen(
            self.argv(command), env=self.environment(), stdin=subprocess.DEVNULL, start_new_session=True, **options
        )

    def start(self, command=None):
        command = command or [*self.image.entrypoint, *(self.spec.get("command") or self.image.command)]
        with self.log.open("a") as log:
            self.process = self.popen(command, stdout=log, stderr=log)
        return self

    def run(self):
        """Run it to its end, which has to be a good one."""
        if self.start().process.wait(120):
            raise SystemExit(f"{self.name} has failed:\n{self.log.read_text()}")

    def is_healthy(self):
        """Return what the image's own health check says."""
        probe = self.popen(self.image.healthcheck, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return probe.wait(10) == 0

    def signal(self, number):
        self.process.send_signal(number)

    def stop(self):
        """Stop it as an engine does; return its exit code, or None if it had to be killed."""
        self.signal(signal.Signals[self.image.stop_signal])
        try:
            return self.process.wait(seconds(self.spec["stop_grace_period"]))
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            return None


def seconds(duration):
    """Return what Compose makes of `stop_grace_period`: "1m0s"."""
    return sum(int(number) * {"m": 60, "s": 1}[unit] for number, unit in re.findall(r"(\d+)([ms])", duration))


def wait_until(condition, limit=30):
    start = time.monotonic()
    while not condition():
        if time.monotonic() - start > limit:
            raise AssertionError(f"Not so within {limit} seconds.")
        time.sleep(0.05)
