"""The sentences that the connector's errors begin with, found in its source texts.

An error is made by a call that is given a sentence: `config_error(...)`, `transient_error(...)`, an
exception that a person reads, an entry in the table of statuses. MAKERS has their names. What
derives from one of them, or hands a parameter of its own on to one, is found without being named.
"""

import ast
import re
from collections.abc import Iterable, Iterator
from itertools import product

# Functions and classes that are called with a sentence, and the keywords that it may be given by.
# Without such a keyword it is the first text among the other arguments.
MAKERS = {"config_error", "transient_error", "UserFacingError", "Failure"}
KEYWORDS = {"message", "sentence", "seen"}

VALUE = "…"  # stands for a value in a sentence
Function = ast.FunctionDef | ast.AsyncFunctionDef


def error_sentences(modules: Iterable[str]) -> set[str]:
    """The first sentence of each error, with an ellipsis for each value, without its full stop.

    Texts of less than four words, and those that begin in lower case, are no sentences.
    """
    package = _Package(modules)
    makers = _all_makers(package)
    found = set()
    for call, scope in package.calls:
        if makers & package.called(call):
            arguments = (package.texts(argument, scope) for argument in _arguments(call))
            found.update(next((texts for texts in arguments if texts), []))
    firsts = {re.split(rf"(?<=[.)]) (?=[A-Z{VALUE}])", text)[0].rstrip(".") for text in found}
    return {first for first in firsts if _is_sentence(first)}


def _all_makers(package: "_Package") -> set[str]:
    makers: set[str] = set()
    more = MAKERS
    while more - makers:
        makers |= more
        more = {cls.name for cls in package.classes if makers & set(map(_name, cls.bases))}
        for call, scope in package.calls:
            if isinstance(scope, Function) and makers & package.called(call):
                handed_on = {_beginning(argument) for argument in _arguments(call)}
                more |= {scope.name} if handed_on & _parameters(scope) else set()
        more -= {"__init__"}
    return makers


class _Package:
    """The source texts of a package. Functions and constants are known by their bare names.

    Attributes:
        calls: every call, with the function or module that it stands in.
    """

    def __init__(self, modules: Iterable[str]) -> None:
        trees = [ast.parse(text) for text in modules]
        nodes = [node for tree in trees for node in ast.walk(tree)]
        self.classes = [node for node in nodes if isinstance(node, ast.ClassDef)]
        self._functions = [node for node in nodes if isinstance(node, Function)]
        self._constants = [found for tree in trees for found in _assignments(tree.body)]
        scopes: list[ast.AST] = [*trees, *self._functions]
        self.calls = [(call, scope) for scope in scopes for call in _calls_in(scope)]
        self._class_of_call = {id(node): cls.name for cls in self.classes for node in ast.walk(cls)}

    def called(self, call: ast.Call) -> set[str]:
        """The name of what is called; for `super().__init__`, of the class that it stands in."""
        name = _name(call.func)
        return {self._class_of_call.get(id(call), "")} if name == "__init__" else {name}

    def texts(
        self, node: ast.expr, scope: ast.AST, resolving: frozenset[str] = frozenset()
    ) -> list[str]:
        """What an expression may be as text, with an ellipsis for each value in it."""
        if isinstance(node, ast.Constant):
            return [node.value] if isinstance(node.value, str) else []
        if isinstance(node, ast.JoinedStr):
            parts = [
                part.value if isinstance(part, ast.Constant) else VALUE for part in node.values
            ]
            rest = "".join(str(part) for part in parts[1:])
            return [f"{first}{rest}" for first in self._firsts(node.values[0], scope, resolving)]
        if isinstance(node, ast.BinOp):
            sides = [self.texts(side, scope, resolving) for side in (node.left, node.right)]
            return ["".join(both) for both in product(*sides)]
        if isinstance(node, ast.IfExp):
            ways = [self.texts(way, scope, resolving) for way in (node.body, node.orelse)]
            return [text for texts in ways for text in texts]
        return self._texts_by_name(node, scope, resolving)

    def _firsts(self, part: ast.expr, scope: ast.AST, resolving: frozenset[str]) -> list[str]:
        """What an f-string may begin with: what a variable of this function is, or a value."""
        if isinstance(part, ast.FormattedValue):
            return self.texts(part.value, scope, resolving) or [VALUE]
        return self.texts(part, scope, resolving)

    def _texts_by_name(
        self, node: ast.expr, scope: ast.AST, resolving: frozenset[str]
    ) -> list[str]:
        """The texts of a variable, a constant, or a function that writes a sentence."""
        name = _name(node.func if isinstance(node, ast.Call) else node)
        if not name or name in resolving:
            return []
        sources: list[tuple[ast.expr, ast.AST]]
        if isinstance(node, ast.Call):
            writers = [function for function in self._functions if function.name == name]
            sources = [(value, writer) for writer in writers for value in _returned(writer)]
        else:
            assigned = [*_assignments(ast.walk(scope)), *self._constants]
            sources = [(value, scope) for target, value in assigned if target == name]
        found = [self.texts(value, place, resolving | {name}) for value, place in sources]
        return [text for texts in found for text in texts]


def _calls_in(scope: ast.AST) -> Iterator[ast.Call]:
    """The calls in a module or function, without those in functions inside of it."""
    for child in ast.iter_child_nodes(scope):
        if isinstance(child, Function):
            continue
        if isinstance(child, ast.Call):
            yield child
        yield from _calls_in(child)


def _arguments(call: ast.Call) -> list[ast.expr]:
    named = [keyword.value for keyword in call.keywords if keyword.arg in KEYWORDS]
    return named or call.args


def _parameters(function: Function) -> set[str]:
    arguments = function.args
    every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    return {argument.arg for argument in every}


def _assignments(nodes: Iterable[ast.AST]) -> Iterator[tuple[str, ast.expr]]:
    """Every name that is assigned a value, and that value."""
    for node in nodes:
        if isinstance(node, ast.Assign):
            yield from ((_name(target), node.value) for target in node.targets)
        elif isinstance(node, ast.AnnAssign) and node.value:
            yield _name(node.target), node.value


def _returned(function: Function) -> list[ast.expr]:
    returns = [node for node in ast.walk(function) if isinstance(node, ast.Return)]
    return [node.value for node in returns if node.value]


def _beginning(node: ast.expr) -> str:
    """The name that a text is, or begins with: `seen`, and f"{seen}. {advice}"."""
    if isinstance(node, ast.JoinedStr) and isinstance(node.values[0], ast.FormattedValue):
        return _name(node.values[0].value)
    return _name(node)


def _name(node: ast.AST) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _is_sentence(text: str) -> bool:
    return len(re.findall("[a-z]+", text)) >= 4 and bool(re.match(f"[A-Z{VALUE}]", text))
