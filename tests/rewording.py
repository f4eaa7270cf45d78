"""Other words for people in every module: nothing may run again for them."""

import ast

SPOKEN = {"Problem", "CragruError", "Progress"}
LOGGED = {"debug", "info", "warning", "error", "exception", "critical"}


class Reworded(ast.NodeTransformer):
    """Change every word that people alone read, in docstrings, errors, logs and descriptions."""

    def __init__(self):
        self.count = 0

    def _changed(self, node):
        for inner in ast.walk(node):
            if is_text(inner):
                inner.value = inner.value.replace(" ", "  ") + " indeed"
                self.count += 1
        return node

    def visit_Raise(self, node):
        return self._changed(node) if isinstance(node.exc, ast.Call) else node

    def visit_Expr(self, node):
        return self._changed(node) if is_text(node.value) else self.generic_visit(node)

    def visit_keyword(self, node):
        is_description = node.arg == "description" and is_text(node.value)
        return self._changed(node) if is_description else self.generic_visit(node)

    def visit_Call(self, node):
        self.generic_visit(node)
        named = ast.unparse(node.func)
        if named.split(".")[0] in SPOKEN or (
            named.startswith("log") and named.split(".")[-1] in LOGGED
        ):
            for one in [*node.args, *(keyword.value for keyword in node.keywords)]:
                if isinstance(one, ast.Constant | ast.JoinedStr):
                    self._changed(one)
        return node


def reword(root):
    """Change the words in all modules and scripts below a folder; give how many texts were changed."""
    count = 0
    for path in [*(root / "cragru").rglob("*.py"), *(root / "scripts").glob("*.py")]:
        reworded = Reworded()
        tree = reworded.visit(ast.parse(path.read_text(encoding="utf-8")))
        path.write_text(ast.unparse(ast.fix_missing_locations(tree)), encoding="utf-8")
        count += reworded.count
    return count


def is_text(node):
    return isinstance(node, ast.Constant) and isinstance(node.value, str)
