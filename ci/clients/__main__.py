"""Run the clients of docs/howto/clients.md against a demo of their own: `make clients`.

The Postman collection under newman, the TypeScript client compiled in strict mode, the script with httpx, and HTTPie.
"""

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from pathlib import Path

from ci.readme_walk import compare_answers
from tests.docs.blocks import blocks

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
BUILD = HERE / "build"
DOCS = ROOT / "docs"
PAGE = (DOCS / "howto/clients.md").read_text()
SHOWN = "http://127.0.0.1:8000"
LINE = r"\+\d{11} \w{6,} 0\n"  # What the two scripts print: phone, code, how many were invited.


def main():
    shutil.rmtree(BUILD, ignore_errors=True)
    BUILD.mkdir()
    # Under a shell, as under make: the demo watches its parent, whose signals we would block while we start programs.
    demo = subprocess.Popen(
        ["/bin/sh", "-c", '"$0" "$1" 0; exit $?', sys.executable, ROOT / "example_project/demo.py"],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        site = next(line.split()[1].rstrip("/") for line in demo.stdout if line.startswith("Ready: "))
        for client in (httpie, httpx, typescript, postman):  # The first signs up the first user after the demo's.
            sys.stdout.write(f"\n== {client.__name__}\n")
            sys.stdout.flush()
            client(site)
    finally:
        os.killpg(demo.pid, signal.SIGTERM)
        demo.communicate()  # Until the demo has closed it, having stopped its database.
    sys.stdout.write("\nAll clients have run.\n")


def postman(site):
    npx("newman", "run", DOCS / "postman_collection.json", "--env-var", f"site={site}", "--reporter-cli-no-banner")


def typescript(site):
    npx("openapi-typescript", DOCS / "openapi.yaml", "--output", BUILD / "schema.d.ts")
    (BUILD / "sign_in.ts").write_text(block("typescript", "// sign_in.ts"))
    npx("tsc", "--project", HERE / "tsconfig.json")
    run_script(shutil.which("node"), BUILD / "sign_in.js", site=site)


def httpx(site):
    (BUILD / "sign_in.py").write_text(block("python", "# sign_in.py"))
    run_script(sys.executable, BUILD / "sign_in.py", site=site)


def httpie(site):
    program = Path(sys.executable).parent / "http"
    (commands,) = [each for each in blocks(PAGE, "console") if "$ http " in each]
    lines, received, calls = commands.splitlines(), {SHOWN: site}, 0
    for number, line in enumerate(lines):
        if not line.startswith("$ http "):
            continue
        command = line.removeprefix("$ http ").replace("$API", f"{SHOWN}/api")
        shown = lines[number + 1] if lines[number + 1 :] and lines[number + 1].startswith("{") else ""
        for word, real in received.items():
            command, shown = command.replace(word, real), shown.replace(SHOWN, site)
        words = [program, "--check-status", "--ignore-stdin", *shlex.split(command)]
        output = subprocess.run(words, check=True, capture_output=True, text=True).stdout
        sys.stdout.write(f"$ http {command}\n{output}\n")
        calls += 1
        if shown:
            compare_answers(shown, output, received)
        else:
            assert not output.strip(), output
    assert calls == 4


def block(language, first_line):
    (found,) = [each for each in blocks(PAGE, language) if each.startswith(f"{first_line}\n")]
    return found


def run_script(*words, site):
    output = subprocess.run(
        words, check=True, stdout=subprocess.PIPE, text=True, env={**os.environ, "SITE": site}
    ).stdout
    sys.stdout.write(output)
    assert re.fullmatch(LINE, output), output


def npx(program, *words):
    subprocess.run([HERE / "node_modules/.bin" / program, *words], check=True, cwd=HERE)


if __name__ == "__main__":
    main()
