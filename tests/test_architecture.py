"""What a page of rules would not keep: imports point one way, files are small and well named."""

import ast
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parent.parent
# Each may import what stands further down, never its own line or above.
LAYERS = [{"chat"}, {"documents", "files"}, {"knowledge"}, {"webhooks"}, {"accounts"}]
APPS = {app for layer in LAYERS for app in layer}
PROJECT = APPS | {"chatbot_project"}
# What every app stands on, beside its own code and the layers below.
GROUND = ("chatbot_project.api", "chatbot_project.celery")
MAX_FUNCTION, MAX_FILE = 45, 350  # lines


class Import(NamedTuple):
    module: str  # what is imported, dotted
    line: int
    in_function: bool
    for_typing: bool


def sources() -> dict[str, Path]:
    """Every module of the product, by its dotted name."""
    found = {}
    for top in sorted(PROJECT):
        for path in sorted((ROOT / top).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            found[".".join(part for part in parts if part != "__init__")] = path
    return found


SOURCES = sources()
TREES = {module: ast.parse(path.read_text()) for module, path in SOURCES.items()}


def imports_of(
    tree: ast.AST, in_function: bool = False, for_typing: bool = False
) -> Iterator[Import]:
    """The imports of project modules below `tree`, with `from a import b` as both a and a.b."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            for name in names_of(node):
                if name.split(".")[0] in PROJECT:
                    yield Import(name, node.lineno, in_function, for_typing)
        inside = in_function or isinstance(
            node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
        )
        typing = for_typing or (isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test))
        yield from imports_of(node, inside, typing)


def names_of(node: ast.Import | ast.ImportFrom) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    assert node.level == 0, f"line {node.lineno}: imports are absolute here"
    module = node.module or ""
    return [module, *(f"{module}.{alias.name}" for alias in node.names)]


def layer_of(app: str) -> int:
    return next(number for number, layer in enumerate(LAYERS) if app in layer)


def may_import(importer: str, imported: str) -> bool:
    """Whether the module `importer` may import the module `imported`."""
    source, target = importer.split(".")[0], imported.split(".")[0]
    if importer.startswith("chatbot_project.api"):
        return target not in APPS
    if source == "chatbot_project" or source == target:
        return True
    if target == "chatbot_project":
        return imported == "chatbot_project" or imported.startswith(GROUND)
    return layer_of(source) < layer_of(target)


@pytest.mark.parametrize(
    ("importer", "imported", "allowed"),
    [
        ("chat.services", "accounts.usage", True),
        ("accounts.services", "chat.models", False),
        ("documents.views", "files.models", False),
        ("knowledge.search", "files.models", False),
        ("files.tasks", "knowledge.chunking", True),
        ("chat.views", "chatbot_project.api.errors", True),
        ("chat.views", "chatbot_project.embedded.stack", False),
        ("chatbot_project.api.limits", "accounts.models", False),
        ("chatbot_project.site.views", "accounts.models", True),
    ],
)
def test_the_rule_itself(importer: str, imported: str, allowed: bool) -> None:
    assert may_import(importer, imported) == allowed


def test_an_import_is_found_wherever_it_hides() -> None:
    text = """
if TYPE_CHECKING:
    from chat import models
def view():
    if late:
        import accounts.models
"""
    found = list(imports_of(ast.parse(text)))
    assert found == [
        Import("chat", 3, False, True),
        Import("chat.models", 3, False, True),
        Import("accounts.models", 6, True, False),
    ]


def test_imports_point_one_way() -> None:
    wrong = [
        f"{SOURCES[module].relative_to(ROOT)}:{found.line} imports {found.module}"
        for module, tree in TREES.items()
        for found in imports_of(tree)
        if not may_import(module, found.module)
    ]
    assert wrong == []


def test_no_import_hides_in_a_function() -> None:
    wrong = [
        f"{SOURCES[module].relative_to(ROOT)}:{found.line} imports {found.module}"
        for module, tree in TREES.items()
        for found in imports_of(tree)
        if found.in_function
    ]
    assert wrong == []


def test_no_modules_import_each_other_in_a_circle() -> None:
    graph = {
        module: {
            found.module
            for found in imports_of(tree)
            if found.module in SOURCES and found.module != module and not found.for_typing
        }
        for module, tree in TREES.items()
    }
    packages = {module for module, path in SOURCES.items() if path.name == "__init__.py"}
    for module in graph:
        # `from a import b` names the package too: only what stands in its own code counts.
        graph[module] = {name for name in graph[module] if name not in packages}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


def test_workers_are_called_through_one_door() -> None:
    """Elsewhere a broker that is down would hold up, or fail, whoever calls."""
    doors = {"send_task", "apply_async", "delay_on_commit", "apply_async_on_commit"}
    wrong = [
        f"{SOURCES[module].relative_to(ROOT)}:{node.lineno} {node.attr}"
        for module, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and module != "chatbot_project.api.workers"
        if node.attr in doors or (node.attr == "delay" and module.endswith(".tasks"))
    ]
    assert wrong == []


def test_modules_are_named_for_what_they_do() -> None:
    vague = {"utils.py", "util.py", "helpers.py", "common.py", "misc.py"}
    assert [str(path) for path in SOURCES.values() if path.name in vague] == []


def test_files_and_functions_stay_small() -> None:
    long = []
    for module, path in SOURCES.items():
        if ".migrations." in module:
            continue
        if len(path.read_text().splitlines()) > MAX_FILE:
            long.append(str(path.relative_to(ROOT)))
        for node in ast.walk(TREES[module]):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or 0) - node.lineno + 1
                if lines > MAX_FUNCTION:
                    long.append(
                        f"{path.relative_to(ROOT)}:{node.lineno} {node.name}: {lines} lines"
                    )
    assert long == []
