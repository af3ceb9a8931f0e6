"""Python: the statements of the module and of its classes, and the names of an import."""

import ast
import builtins
from collections.abc import Iterator, Sequence
from functools import lru_cache

from mlops_scaffold.merging.formats.facts import Facts, Path, comments, numbered
from mlops_scaffold.merging.pieces import Span, Spans, Unfit
from mlops_scaffold.merging.sequences import lines_of

ORDERED = True
rest = comments
Function = ast.FunctionDef | ast.AsyncFunctionDef
FREE = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def spans(text: str) -> Spans:
    """The module's statements. Raises SyntaxError."""
    return _Places(text).body(_parse(text).body)


@lru_cache(maxsize=8)  # for the facts and for the spans
def _parse(text: str) -> ast.Module:
    return ast.parse(text)


class _Places:
    """Finds statements in a text."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.lines = lines_of(text)
        self.starts = [0]
        for line in self.lines:
            self.starts.append(self.starts[-1] + len(line))

    def body(self, statements: Sequence[ast.stmt]) -> Spans:
        """Statements one below the other."""
        return tuple(self.statement(statement, number == 0) for number, statement in enumerate(statements))

    def statement(self, node: ast.stmt, first: bool) -> Span:
        """A statement with the comment behind it."""
        above: list[ast.expr] = getattr(node, "decorator_list", [])
        start = min([self.at(node.lineno, node.col_offset), *(self.at(x.lineno, x.col_offset) - 1 for x in above)])
        end = self.line_end(node)
        key, free = _key(node, first), isinstance(node, FREE) and not _is_future(node)
        if isinstance(node, ast.ImportFrom):
            return self.names(key, start, end, node, free)
        if isinstance(node, ast.ClassDef):
            body = self.body(node.body)
            head = self.text.rfind("\n", 0, body[0].start)
            if head > start:
                return Span(key, start, end, body, (head, end), free=free)
        return Span(key, start, end, free=free)

    def names(self, key: str, start: int, end: int, node: ast.ImportFrom, free: bool) -> Span:
        """What is imported from one module."""
        kids = tuple(Span(_alias(name), self.at(name.lineno, name.col_offset), self.end(name)) for name in node.names)
        opened = self.text.rfind("(", start, kids[0].start)
        closed = self.text.rfind(")", kids[-1].end, self.end(node))
        inner = (opened + 1, closed) if opened >= 0 else (kids[0].start, kids[-1].end)
        return Span(key, start, end, kids, inner, ",", ordered=False, free=free)

    def at(self, line: int, column: int) -> int:
        """A place, from a line and a column in bytes of UTF-8."""
        return self.starts[line - 1] + len(self.lines[line - 1].encode()[:column].decode())

    def end(self, node: ast.stmt | ast.alias) -> int:
        """Where a node ends."""
        return self.at(node.end_lineno or node.lineno, node.end_col_offset or 0)

    def line_end(self, node: ast.stmt) -> int:
        """The end of a statement's last line. Raises Unfit where something else is on it."""
        at = self.end(node)
        end = self.text.find("\n", at)
        end = len(self.text) if end < 0 else end
        rest = self.text[at:end].strip()
        if rest and not rest.startswith("#"):
            raise Unfit("more on the line")
        return end


def _is_future(node: ast.stmt) -> bool:
    return isinstance(node, ast.ImportFrom) and node.module == "__future__"


def _alias(name: ast.alias) -> str:
    return f"{name.name} as {name.asname}" if name.asname else name.name


def _key(node: ast.stmt, first: bool) -> str:
    """What a statement is about."""
    match node:
        case ast.Import():
            return "import " + ", ".join(map(_alias, node.names))
        case ast.ImportFrom():
            return f"from {'.' * node.level}{node.module or ''} import"
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            return node.name
        case ast.Assign():
            return f"{ast.unparse(node.targets[0])} ="
        case ast.AnnAssign() | ast.AugAssign():
            return f"{ast.unparse(node.target)} ="
        case ast.Expr(value=ast.Constant(value=str())) if first:
            return "docstring"
        case ast.If() | ast.While():
            return f"{type(node).__name__.lower()} {ast.unparse(node.test)}"
    return ast.unparse(node)


# --- what a file says ------------------------------------------------------------------------------------------------


def facts(text: str) -> Facts:
    """Every import, definition and statement, by where it is, and the names that are used without one.

    Raises SyntaxError.
    """
    tree = _parse(text)
    return numbered([*_block(tree.body, ()), *(((f"{name} is not defined",), True) for name in _undefined(tree))])


def _undefined(tree: ast.Module) -> set[str]:
    """The names that are used, and defined nowhere in the module."""
    used, defined = set(), set(dir(builtins))
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name, ctx=ast.Load()):
                used.add(name)
            case ast.Name(id=name) | ast.arg(arg=name) | ast.alias(asname=str(name)):
                defined.add(name)
            case ast.alias(name=name):
                defined.add(name.partition(".")[0])
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                defined.add(name)
            case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
                defined.add(name)
    return used - defined


def _block(body: Sequence[ast.stmt], path: Path) -> Iterator[tuple[Path, object]]:
    for node in body:
        yield from _statement(node, path)


def _statement(node: ast.stmt, path: Path) -> Iterator[tuple[Path, object]]:
    match node:
        case ast.Import():
            yield from (((*path, name.asname or name.name), f"import {name.name}") for name in node.names)
        case ast.ImportFrom():
            for alias in node.names:
                bound = f"* of {node.module}" if alias.name == "*" else alias.asname or alias.name
                yield (*path, bound), f"{_key(node, False)} {alias.name}"
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            yield (*path, node.name), type(node).__name__
            for name, value in ast.iter_fields(node):
                if name != "body":
                    yield from _value(value, (*path, node.name, name))
            yield from _block(node.body, (*path, node.name))
        case ast.Assign() | ast.AnnAssign():
            targets = node.targets if isinstance(node, ast.Assign) else [node.target, node.annotation]
            here = (*path, *(ast.unparse(target) for target in targets))
            yield here, "="
            yield from _value(node.value, (*here, "value"))
        case ast.Expr():
            yield from _value(node.value, path)
        case _:
            yield from _compound(node, path)


def _compound(node: ast.stmt, path: Path) -> Iterator[tuple[Path, object]]:
    """A statement that may hold others."""
    blocks = {name: value for name, value in ast.iter_fields(node) if name in ("body", "orelse", "finalbody")}
    if not blocks:
        yield (*path, ast.unparse(node)), True
        return
    head = type(node)(**{**dict(ast.iter_fields(node)), **{name: [] for name in blocks}})
    here = (*path, ast.dump(head))
    yield here, True
    for name, body in blocks.items():
        yield from _block(body, (*here, name))


def _value(node: object, path: Path) -> Iterator[tuple[Path, object]]:
    """A value; of a list, a dict or a call, what is in it."""
    match node:
        case ast.List(elts=parts) | ast.Set(elts=parts) | ast.Tuple(elts=parts):
            yield (*path, type(node).__name__), True
            yield from (((*path, _dump(part)), True) for part in parts)
        case ast.Dict():
            yield (*path, "Dict"), True
            for key, value in zip(node.keys, node.values, strict=True):
                yield from _value(value, (*path, _dump(key)))
        case ast.Call():
            here = (*path, f"{ast.unparse(node.func)}()")
            yield here, True
            yield from (((*here, _dump(part)), True) for part in node.args)
            for keyword in node.keywords:
                yield from _value(keyword.value, (*here, f"{keyword.arg}="))
        case ast.Constant(value=str()):
            yield (*path, "text"), ("str", node.value)
        case _:
            yield path, _dump(node)


def _dump(node: object) -> str:
    if isinstance(node, list):
        return repr([_dump(part) for part in node])
    return ast.dump(node) if isinstance(node, ast.AST) else repr(node)
