"""Count what weighs in the library: lines, tokens a line, comprehensions, and the code that guards.

    python tests/benchmarks/weight.py [FOLDER ...]

Without folders it counts every room of `cragru/`. Code guards if it stands in a file that only guards (`GUARD_FILES`),
in a function whose name says that it checks or refuses (`GUARD_NAMES`), in a `raise`, or in the `if` or `except` that
ends with one. Docstrings and comments are lines, not code.
"""

import ast
import io
import sys
import tokenize
from dataclasses import astuple, dataclass
from pathlib import Path

LIBRARY = Path(__file__).parents[2] / "cragru"
GUARD_NAMES = ("check", "checked", "refuse", "reject", "wrong", "missing", "misfit")
GUARD_FILES = (
    "audit/behind", "config/base", "config/given", "config/types", "core/errors", "core/place", "data/raw_files",
    "kept/csv_files", "kept/machine", "kept/manifest", "kept/rights", "kept/shapes", "llm/failures", "llm/letters",
    "llm/replies", "llm/secrets", "plan/checkout", "plan/checks", "plan/files_there",
    "plan/labels", "plan/options", "plugins/explained", "plugins/options", "plugins/source",
    "reporting/escapes", "written/encodings", "written/paths", "written/printed", "written/spreadsheets",
    "written/texts", "written/yaml_text",
)  # fmt: skip
NO_TOKENS = {
    tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER,
}  # fmt: skip
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


@dataclass
class Weight:
    """Counts of some files.

    Attributes:
        lines: All lines.
        code: Lines with code.
        tokens: Tokens of the code.
        comprehensions: Comprehensions and generator expressions.
        guards: Lines of code that guard.
        guard_files: All lines of files that only guard.
    """

    lines: int = 0
    code: int = 0
    tokens: int = 0
    comprehensions: int = 0
    guards: int = 0
    guard_files: int = 0

    def __add__(self, other: "Weight") -> "Weight":
        return Weight(*(a + b for a, b in zip(astuple(self), astuple(other), strict=True)))

    def __str__(self) -> str:
        code = max(self.code, 1)
        return (
            f"{self.lines:6} lines {self.code:6} of code {self.tokens / code:5.2f} tokens a line "
            f"{100 * self.comprehensions / code:5.2f} comprehensions per 100 {self.guards:5} guard "
            f"{100 * self.guards / code:5.1f} % ({self.guard_files} lines of files that only guard)"
        )


def weigh(path: Path) -> Weight:
    """Count a file."""
    text = path.read_text(encoding="utf-8")
    tree = ast.parse(text)
    docstrings = lines_of(node for node in ast.walk(tree) if is_docstring(node))
    code, tokens = set(), 0
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in NO_TOKENS and token.start[0] not in docstrings:
            code.update(range(token.start[0], token.end[0] + 1))
            tokens += 1
    lines = len(text.splitlines())
    comprehensions = sum(isinstance(node, COMPREHENSIONS) for node in ast.walk(tree))
    if path.with_suffix("").as_posix().endswith(tuple(f"cragru/{file}" for file in GUARD_FILES)):
        return Weight(lines, len(code), tokens, comprehensions, len(code), lines)
    guards = lines_of(guards_in(tree)) & code
    return Weight(lines, len(code), tokens, comprehensions, len(guards), 0)


def guards_in(tree):
    """Parts of a syntax tree that guard."""
    for node in ast.walk(tree):
        is_check = (
            isinstance(node, ast.FunctionDef) and node.name.lstrip("_").split("_")[0] in GUARD_NAMES
        )
        if is_check or isinstance(node, ast.Raise):
            yield node
        elif isinstance(node, ast.If | ast.ExceptHandler) and isinstance(node.body[-1], ast.Raise):
            yield ast.Module(
                [*node.body], [], lineno=node.lineno, end_lineno=node.body[-1].end_lineno
            )


def is_docstring(node) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


def lines_of(nodes) -> set[int]:
    found = set()
    for node in nodes:
        found.update(range(node.lineno, node.end_lineno + 1))
    return found


def main(folders: list[str]) -> None:
    rooms = [Path(folder) for folder in folders] or sorted(LIBRARY.iterdir())
    total = Weight()
    for room in rooms:
        files = sorted(room.rglob("*.py")) if room.is_dir() else [room]
        if not files or room.suffix not in ("", ".py"):
            continue
        weight = sum(map(weigh, files), Weight())
        print(f"{room.name:14}{weight}")
        total += weight
    print(f"{'all':14}{total}")


if __name__ == "__main__":
    main(sys.argv[1:])
