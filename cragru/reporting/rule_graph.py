"""The rules of a run as a drawing: each in the column after all that it reads from."""

from collections.abc import Collection, Mapping
from html import escape

WIDTH, HEIGHT, ACROSS, DOWN = 150, 34, 200, 50  # of a box, and from one to the next
ROUNDS = 4  # of moving each box to the height of its neighbours


def rule_graph(jobs: Mapping[str, int], edges: Collection[tuple[str, str]]) -> str:
    """Return an SVG of rules with their numbers of jobs; an edge goes from what makes to what reads.

    Edges that others imply are left out: what reads a model has read its data.
    """
    columns = _columns(jobs, edges)
    places = _places(columns, edges)
    lines = []
    for source, target in sorted(_needed(edges)):
        (x, y), (to_x, to_y) = places[source], places[target]
        x, bend = x + WIDTH, (to_x - x - WIDTH) / 2
        y, to_y = y + HEIGHT / 2, to_y + HEIGHT / 2
        lines.append(f'<path d="M{x} {y} C{x + bend} {y} {to_x - bend} {to_y} {to_x} {to_y}"/>')
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


def _columns(jobs: Mapping[str, int], edges: Collection[tuple[str, str]]) -> list[list[str]]:
    """Sort rules into columns by the longest way to them; rules that read from each other share one."""
    depth = dict.fromkeys(sorted(jobs), 0)
    for _ in depth:  # a way is no longer than there are rules
        for source, target in edges:
            depth[target] = min(max(depth[target], depth[source] + 1), len(depth) - 1)
    found = sorted(set(depth.values()))
    return [[rule for rule in depth if depth[rule] == column] for column in found]


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
    columns: list[list[str]], edges: Collection[tuple[str, str]]
) -> dict[str, tuple[float, float]]:
    """Place boxes so that most edges are short: each at the mean height of those that it is joined to."""
    beside: dict[str, list[str]] = {rule: [] for column in columns for rule in column}
    for source, target in edges:
        beside[source].append(target)
        beside[target].append(source)
    height = {rule: float(row) for column in columns for row, rule in enumerate(column)}
    for _ in range(ROUNDS):
        for column in columns:
            wanted = {
                rule: sum(height[one] for one in beside[rule]) / max(1, len(beside[rule]))
                for rule in column
            }
            for row, rule in enumerate(sorted(column, key=lambda rule: (wanted[rule], rule))):
                height[rule] = float(row)
    return {
        rule: (ACROSS * number, DOWN * height[rule])
        for number, column in enumerate(columns)
        for rule in column
    }
