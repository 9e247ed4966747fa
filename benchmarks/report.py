"""The figures as Markdown: what must be reached and what was, then all that was measured."""

import platform
import statistics
from collections.abc import Callable
from typing import Any

from server import versions_of

NAMES = ("ours", "control", "floor", "raw", "drfpasswordless", "allauth")


def write(bench: Any) -> tuple[str, bool]:
    """Return the report, and whether every figure was reached that must be."""
    rows = [figure(bench, *each) for each in figures(bench)]
    lines = ["| figure | must | aim | measured | |", "|---|---|---|---|---|"]
    lines += [f"| {name} | {must} | {aim} | {measured} | {verdict} |" for name, must, aim, measured, verdict in rows]
    parts = [about(bench), "\n".join(lines), table(bench), growth(bench), memory(bench), connections(bench)]
    return "\n\n".join(parts), all(verdict != "**missed**" for *_, verdict in rows)


def about(bench: Any) -> str:
    options = bench.options
    control = [ratio(bench, work, "rate", "control", "ours") for work in bench.contenders["ours"].works]
    versions = dict.fromkeys(versions_of(contender.server.requirements) for contender in bench.contenders.values())
    return (
        f"{', '.join(versions)}; Python {platform.python_version()}; {options.rounds} rounds, each work done "
        f"{options.count} times in each. Against itself, the package does its works at {min(control):.2f} to "
        f"{max(control):.2f} of its speed: smaller differences are noise."
    )


def figures(bench: Any) -> list[tuple[Any, ...]]:
    """Return name, must, aim, measured, and which is better."""

    def against(work: str, key: str, other: str = "floor") -> float:
        return ratio(bench, work, key, "ours", other)

    def slowdown() -> float:
        return max(ratio(bench, work, "rate", "empty", "full") for work in bench.contenders["full"].works)

    def redeems(*, durable: bool) -> float:
        return statistics.median(
            redeem / insert for is_durable, redeem, insert in bench.redeems if is_durable == durable
        )

    new, returning = "new sign-in", "returning sign-in"
    return [
        ("new sign-in, requests/s ÷ floor", 0.60, 0.80, against(new, "rate"), at_least),
        ("returning sign-in, requests/s ÷ floor", 0.65, 0.80, against(returning, "rate"), at_least),
        ("CPU of a new sign-in ÷ floor", 1.7, 1.3, against(new, "cpu"), at_most),
        ("new sign-in, requests/s ÷ drfpasswordless", 1.9, 2.4, against(new, "rate", "drfpasswordless"), at_least),
        ("new sign-in, requests/s ÷ allauth", 2.7, 3.5, against(new, "rate", "allauth"), at_least),
        ("own profile, requests/s ÷ floor", 0.65, 0.75, against("own profile", "rate"), at_least),
        ("enter a code, circles refused, p50 ÷ floor", 1.8, 1.5, against("enter a code", "p50"), at_most),
        (f"slowdown at {bench.options.users:,} users, the worst of all requests", 1.15, 1.05, slowdown(), at_most),
        ("one code by 8 processes, `redeem()` ÷ bare insert", 0.4, 0.6, redeems(durable=False), at_least),
        ("the same with commits that wait for the disk", 0.4, 0.6, redeems(durable=True), at_least),
    ]


def at_least(measured: float, limit: float) -> bool:
    return measured >= limit


def at_most(measured: float, limit: float) -> bool:
    return measured <= limit


def figure(
    _bench: Any, name: str, must: float, aim: float, measured: float, is_met: Callable[[float, float], bool]
) -> tuple[str, ...]:
    sign = "≥" if is_met is at_least else "≤"
    rounded = round(measured, 2)
    verdict = "aim reached" if is_met(rounded, aim) else "reached" if is_met(rounded, must) else "**missed**"
    return name, f"{sign} {must:.2f}", f"{sign} {aim:.2f}", f"{measured:.2f}", verdict


def ratio(bench: Any, work: str, key: str, name: str, other: str) -> float:
    """Return the median over the rounds of what one contender had in a round, to what another had in the same one."""
    pairs = zip(bench.results[work, name], bench.results[work, other], strict=True)
    return statistics.median(one[key] / two[key] for one, two in pairs)


def median(bench: Any, work: str, key: str, name: str) -> float:
    return statistics.median(result[key] for result in bench.results[work, name])


def table(bench: Any) -> str:
    lines = [
        "| work | contender | requests/s ÷ floor | p50 ÷ floor | CPU ÷ floor | of which database | statements |",
        "|---|---|---|---|---|---|---|",
    ]
    for work in bench.contenders["ours"].works:
        for name in NAMES:
            if (work, name) not in bench.results:
                continue
            rate, p50, cpu = (ratio(bench, work, key, name, "floor") for key in ("rate", "p50", "cpu"))
            share = median(bench, work, "db", name) / median(bench, work, "cpu", name)
            lines.append(
                f"| {work} | {name} | {rate:.2f} | {p50:.2f} | {cpu:.2f} | {share:.0%} "
                f"| {bench.statements[work, name]} |"
            )
    return "\n".join(lines)


def growth(bench: Any) -> str:
    lines = [
        f"| work | requests/s on few rows ÷ at {bench.options.users:,} users | p50 at that ÷ on few rows |",
        "|---|---|---|",
    ]
    for work in bench.contenders["full"].works:
        slower = ratio(bench, work, "rate", "empty", "full"), ratio(bench, work, "p50", "full", "empty")
        lines.append(f"| {work} | {slower[0]:.2f} | {slower[1]:.2f} |")
    return "\n".join(lines)


def memory(bench: Any) -> str:
    lines = ["| contender | a worker's own memory (USS), MB | with what it shares (RSS), MB |", "|---|---|---|"]
    lines += [f"| {name} | {bench.memory[name][0]:.0f} | {bench.memory[name][1]:.0f} |" for name in NAMES]
    return "\n".join(lines)


def connections(bench: Any) -> str:
    lines = ["| work | requests/s with `CONN_MAX_AGE = 0` ÷ with connections that persist |", "|---|---|"]
    works = bench.contenders["reconnecting"].works
    lines += [f"| {work} | {ratio(bench, work, 'rate', 'reconnecting', 'empty'):.2f} |" for work in works]
    return "\n".join(lines)
