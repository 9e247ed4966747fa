"""Change what limits and decides in small ways, one at a time, and see whether the tests notice.

    make mutants

What is changed, and which tests are asked, is in `pyproject.toml` under `tool.mutmut`. A change that no test notices
must be explained in `survivors.md`, or this fails. It takes long. Begun again, it tries only what was not noticed yet,
and the functions that are new; `make clean` forgets all.
"""

import os
import subprocess
import sys
from pathlib import Path

import libcst
from mutmut.__main__ import _run
from mutmut.mutation.data import SourceFileMutationData
from mutmut.mutation.diff_apply import get_diff_for_mutant
from mutmut.mutation.file_mutation import MutationVisitor
from mutmut.stats import status_by_exit_code
from mutmut.utils.file_utils import walk_mutatable_files

IN_MEMORY = "sqlite://:memory:"
EXPLAINED = Path(__file__).with_name("survivors.md")
# Exit codes of a test run that failed, or took too long. 255, which mutmut calls a time-out, is a run that never began.
FAILED = {1, 3}
NOTICED = FAILED | {24, -24, 36, 152}


def is_transparent(function):
    """Return whether a function has one decorator, which only hides its variables."""
    names = [libcst.Module([]).code_for_node(decorator.decorator) for decorator in function.decorators]
    return names == ["sensitive_variables()"]


def change_also_what_hides_its_variables():
    """mutmut leaves functions with decorators alone: that would be the sending and the judging of codes."""
    skips = MutationVisitor._skip_node_and_children

    def skip(self, node):
        return not (isinstance(node, libcst.FunctionDef) and is_transparent(node)) and skips(self, node)

    MutationVisitor._skip_node_and_children = skip


def outcomes():
    """Yield each mutant's name, exit code, and what it changes: the function, the lines taken out and those put in."""
    for data in verdicts():
        for name, code in data.exit_code_by_key.items():
            diff = get_diff_for_mutant(name, path=data.path).splitlines()
            lines = [f"{line[0]} {line[1:].strip()}" for line in diff[2:] if line[0] in "+-"]
            yield name, code, "\n".join([f"@@ {function_of(name)} @@", *lines])


def function_of(name):
    """Return the name that a function or method has in the code: mutmut's are `x_name` and `xǁClassǁname`."""
    return name.rpartition("__mutmut_")[0].rpartition(".")[2][2:].replace("ǁ", ".")


def verdicts():
    for path in walk_mutatable_files():
        data = SourceFileMutationData(path=path)
        data.load()
        yield data


def forget_what_did_not_fail():
    """mutmut keeps all its verdicts, but there may be new tests, or another database, or the machine was only busy."""
    Path("mutants/mutmut-stats.json").unlink(missing_ok=True)
    for data in verdicts():
        codes = data.exit_code_by_key
        if codes:
            data.exit_code_by_key = {name: code if code in FAILED else None for name, code in codes.items()}
            data.save()


def ask():
    """Ask the tests that are left by DATABASE_URL and PYTEST_ADDOPTS about what was not noticed yet."""
    change_also_what_hides_its_variables()
    forget_what_did_not_fail()
    # SQLite's database in memory is of each worker its own; on PostgreSQL there is one.
    _run([], None if os.environ["DATABASE_URL"] == IN_MEMORY else 1)


def main():
    asking = [sys.executable, "-m", "ci.mutants", "ask"]
    on_sqlite = {**os.environ, "DATABASE_URL": IN_MEMORY}
    # First those that need no database. PostgreSQL comes last: there, redeem() goes ways of its own.
    subprocess.run(asking, env={**on_sqlite, "PYTEST_ADDOPTS": "-m 'not database'"}, check=True)
    subprocess.run(asking, env=on_sqlite, check=True)
    subprocess.run([sys.executable, "example_project/postgres.py", "--", *asking], check=True)
    return report()


def report():
    explained = EXPLAINED.read_text()
    total = noticed = unexplained = 0
    for name, code, change in outcomes():
        total += 1
        noticed += code in NOTICED
        if code not in NOTICED and change not in explained:
            unexplained += 1
            sys.stdout.write(f"\n{name}: {status_by_exit_code[code]}\n{change}\n")
    sys.stdout.write(
        f"\n{total:,} changes, {noticed:,} noticed ({noticed / total:.1%}), "
        f"{total - noticed - unexplained} explained, {unexplained} unexplained\n"
    )
    return int(unexplained > 0)


if __name__ == "__main__":
    sys.exit(ask() if sys.argv[1:] == ["ask"] else main())
