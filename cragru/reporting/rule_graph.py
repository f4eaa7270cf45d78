"""The rules of a run as a drawing: each in a row below all that it reads from."""

from collections.abc import Collection, Mapping
from html import escape

WIDTH, HEIGHT, ACROSS, DOWN = 150, 34, 170, 64  # of a box, and from one to the next
ROUNDS = 4  # of moving each box to where its neighbours are


def rule_graph(jobs: Mapping[str, int], edges: Collection[tuple[str, str]]) -> str:
    """Return an SVG of rules with their numbers of jobs; an edge goes from what makes to what reads.

    Edges that others imply are left out: what reads a model has read its data.
    """
    places = _places(_rows(jobs, edges), edges)
    lines = []
    for source, target in sorted(_needed(edges)):
        (x, y), (to_x, to_y) = places[source], places[target]
        x, to_x, y = x + WIDTH / 2, to_x + WIDTH / 2, y + HEIGHT
        bend = (to_y - y) / 2
        curve = f"M{x} {y} C{x} {y + bend} {to_x} {to_y - bend} {to_x} {to_y}"
        lines.append(f'<path d="{curve}"/>')
    for rule, (x, y) in places.items():
        lines.append(
            f'<g><rect x="{x}" y="{y}" width="{WIDTH}" height="{HEIGHT}" rx="6"/>'
            f'<text x="{x + WIDTH / 2}" y="{y + 15}">{escape(rule)}</text>'
            f'<text x="{x + WIDTH / 2}" y="{y + 28}" class="count">{jobs[rule]}</text></g>'
        )
    width = max((x for x, _ in places.values()), default=0) + WIDTH + 10
    height = max((y for _, y in places.values()), default=0) + HEIGHT + 10
    return (
        f'<svg viewBox="-5 -5 {width} {height}" width="{width}" role="img" '
        f'aria-label="Which rule reads what another makes">{"".join(lines)}</svg>'
    )


def _rows(jobs: Mapping[str, int], edges: Collection[tuple[str, str]]) -> list[list[str]]:
    """Sort rules into rows by the longest way to them."""
    depth = dict.fromkeys(sorted(jobs), 0)
    for _ in depth:  # a way is no longer than there are rules
        for source, target in edges:
            depth[target] = min(max(depth[target], depth[source] + 1), len(depth) - 1)
    found = sorted(set(depth.values()))
    return [[rule for rule in depth if depth[rule] == row] for row in found]


def _needed(edges: Collection[tuple[str, str]]) -> set[tuple[str, str]]:
    """Return the edges that no way through other rules replaces."""
    after: dict[str, set[str]] = {}
    for source, target in edges:
        after.setdefault(source, set()).add(target)
    return {
        (source, target)
        for source, target in edges
        if not any(_reaches(after, other, target) for other in after[source] - {target})
    }


def _reaches(after: Mapping[str, Collection[str]], start: str, end: str) -> bool:
    seen, waiting = set(), [start]
    while waiting:
        rule = waiting.pop()
        if rule == end:
            return True
        if rule not in seen:
            seen.add(rule)
            waiting += after.get(rule, ())
    return False


def _places(
    rows: list[list[str]], edges: Collection[tuple[str, str]]
) -> dict[str, tuple[float, float]]:
    """Place boxes so that most edges are short: rows are centred, and ordered by where their neighbours are."""
    beside: dict[str, list[str]] = {rule: [] for row in rows for rule in row}
    for source, target in edges:
        beside[source].append(target)
        beside[target].append(source)
    widest = max(map(len, rows), default=0)
    across = {rule: float(place) for row in rows for place, rule in enumerate(row)}
    for _ in range(ROUNDS):
        for row in rows:
            wanted = {
                rule: sum(across[one] for one in beside[rule]) / max(1, len(beside[rule]))
                for rule in row
            }
            begin = (widest - len(row)) / 2
            for place, rule in enumerate(sorted(row, key=lambda rule: (wanted[rule], rule))):
                across[rule] = begin + place
    return {
        rule: (ACROSS * across[rule], float(DOWN * number))
        for number, row in enumerate(rows)
        for rule in row
    }
