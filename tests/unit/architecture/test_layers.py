"""Which room may look into which: core < aws < api < domains < app, and schemas to service in a domain."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterator, Mapping

from tests.unit.architecture.tree import (
    DOMAINS,
    OWN,
    ROOMS,
    Import,
    Module,
    Offence,
    Tree,
    home_of,
    modules,
    planted,
    require_none,
    room_of,
)

HEIGHT = {room: height for height, room in enumerate([*ROOMS, *DOMAINS])}
# What the function that API Gateway asks first may know: it is deployed alone, under its own path.
AUTHORIZER = {*ROOMS, "auth"}
# What may be imported by what is never packaged.
NOT_PACKAGED = {"tools": {"chalicelib", "app", "tools"}, "bench": {"chalicelib", "app", "tools", "bench"}}
ADVICE = "move what is needed below, or what needs it above"
LEVELS = {level: height for height, level in enumerate(["schemas", "models", "views", "store", "service"])}
# What a model may not reach: whatever speaks to somebody, or is about HTTP.
IO = {f"chalicelib/{each}.py" for each in ("aws/db", "aws/transport", "aws/clients", "aws/s3", "core/log")}

Edges = Mapping[str, Mapping[str, int]]  # from module to module, and the line of the first such import


# --- The rules


def upward_imports(tree: Tree) -> list[Offence]:
    """Imports of a room above, of a later domain, or by the app of what is never packaged."""
    return [
        Offence(module.path, each.line, fault)
        for module in modules(tree)
        for each in module.imports
        if (each.is_relative or each.name.split(".")[0] in OWN) and (fault := _fault_of(module, each))
    ]


def unknown_rooms(tree: Tree) -> list[Offence]:
    """Modules of the app that stand in no room of the house."""
    known = {*HEIGHT, "authorizer", "chalicelib"}
    advice = "is in no room of the house; move it, or list its room in tree.py and CONTRIBUTING.md"
    return [Offence(each.path, 1, advice) for each in modules(tree, "chalicelib") if each.room not in known]


def cycles(tree: Tree) -> list[Offence]:
    """Modules that need each other, wherever in them the imports stand."""
    edges = _knots(_edges(tree))
    seen: dict[frozenset[str], Offence] = {}
    for start, targets in edges.items():
        for target, line in targets.items():
            way = _way(edges, target, {start})
            if way and frozenset(way) not in seen:
                path = " > ".join([start, *way])
                seen[frozenset(way)] = Offence(start, line, f"is in a cycle: {path}; move what both need below them")
    return list(seen.values())


def upward_within_domains(tree: Tree) -> list[Offence]:
    """A level of a domain that reaches a higher one, also through rooms of the domain that have no level."""
    edges, offences = _edges(tree), []
    for path in edges:
        domain, level = room_of(path.replace("/", ".")), _level(path)
        if domain not in DOMAINS or level is None:
            continue
        inside = {
            start: {end: line for end, line in ends.items() if end.startswith(f"chalicelib/{domain}/")}
            for start, ends in edges.items()
            if start == path or _level(start) is None
        }
        above = {each for each in edges if (reached := _level(each)) is not None and reached > level}
        way = _way(inside, path, above)
        if way:
            order = " < ".join(LEVELS)
            fault = f"reaches up to {' > '.join(way[1:])}; in a domain {order}, so pass it in or move it down"
            offences.append(Offence(path, inside[path][way[1]], fault))
    return offences


def models_with_io(tree: Tree) -> list[Offence]:
    """Models, schemas and views that reach what speaks to AWS, HTTP or the log, at whatever distance."""
    edges, offences = _edges(tree), []
    forbidden = IO | {path for path in tree if path.startswith("chalicelib/api/")}
    for path in edges:
        if path.startswith("chalicelib/") and path.endswith(("/models.py", "/schemas.py", "/views.py")):
            way = _way(edges, path, forbidden)
            if way:
                fault = f"reaches I/O by {' > '.join(way[1:])}; let the store or the service do that"
                offences.append(Offence(path, edges[path][way[1]], fault))
    return offences


# --- How they look


def _fault_of(module: Module, each: Import) -> str:
    """What is wrong with an import of something of ours, or nothing."""
    if each.is_relative:
        return f"imports {each.name} relatively; name it in full"
    top = each.name.split(".")[0]
    if module.top in NOT_PACKAGED:
        is_below = top in NOT_PACKAGED[module.top]
        return "" if is_below else f"{module.top} imports {each.name}; move what they share into tools"
    if top in {"tests", *NOT_PACKAGED}:
        return f"imports {each.name}; the app needs nothing of what is never packaged, so move it into chalicelib"
    there = room_of(each.name)
    if module.room in ("app", there) or there in _below(module.room):
        return ""
    return f"{module.room} imports {each.name}, but {there} comes after {module.room}; {ADVICE}"


def _below(room: str) -> set[str]:
    """The rooms that a room may know."""
    if room == "authorizer":
        return AUTHORIZER
    return {each for each, height in HEIGHT.items() if height < HEIGHT.get(room, len(HEIGHT))}


def _edges(tree: Tree) -> dict[str, dict[str, int]]:
    edges: dict[str, dict[str, int]] = {module.path: {} for module in modules(tree)}
    for module in modules(tree):
        for each in module.imports:
            target = home_of(tree, each.name) if each.name.split(".")[0] in OWN else None
            if target and target != module.path:
                edges[module.path].setdefault(target, each.line)
    return edges


def _knots(edges: Edges) -> Edges:
    """The modules that are in cycles or between two: what is left when the ends are taken away again and again."""
    left = set(edges)
    while True:
        needed = {end for start in left for end in edges[start] if end in left}
        inner = {path for path in needed if needed.intersection(edges[path])}
        if inner == left:
            return {path: {end: line for end, line in edges[path].items() if end in left} for path in sorted(left)}
        left = inner


def _way(edges: Edges, start: str, goals: Collection[str]) -> list[str]:
    """The shortest way from a module to one of others, both included, or nothing."""
    before: dict[str, str] = {start: ""}
    waiting = deque([start])
    while waiting:
        path = waiting.popleft()
        if path in goals:
            return list(_back(before, path))[::-1]
        for end in edges.get(path, ()):
            if end not in before:
                before[end] = path
                waiting.append(end)
    return []


def _back(before: Mapping[str, str], path: str) -> Iterator[str]:
    while path:
        yield path
        path = before[path]


def _level(path: str) -> int | None:
    """The height of a module within its domain; None for a room with a name of the field."""
    parts = path.removesuffix(".py").split("/")
    return LEVELS.get(parts[2]) if len(parts) == 3 and parts[1] in DOMAINS else None


# --- What they hold to, and that they see


def test_imports_run_from_the_app_by_the_domains_down_to_the_core() -> None:
    require_none(upward_imports)


def test_an_import_of_a_later_domain_is_seen() -> None:
    text = "def place():\n    from chalicelib.orders import store as order_store\n"

    assert planted(upward_imports, {"chalicelib/cart/extra.py": text}) == [
        f"chalicelib/cart/extra.py:2: cart imports chalicelib.orders.store, but orders comes after cart; {ADVICE}"
    ]


def test_an_import_of_a_domain_by_a_shared_room_is_seen() -> None:
    offences = planted(
        upward_imports,
        {
            "chalicelib/core/extra.py": "from chalicelib.aws import db\n",
            "chalicelib/aws/extra.py": "import chalicelib.users.models\n",
            "chalicelib/api/extra.py": "import app\n",
            "chalicelib/authorizer.py": "from chalicelib.users import user_store\n",
            "chalicelib/users/extra.py": "from . import store\n",
        },
    )

    assert [each.split(":")[0] for each in offences] == [
        "chalicelib/api/extra.py",
        "chalicelib/authorizer.py",
        "chalicelib/aws/extra.py",
        "chalicelib/core/extra.py",
        "chalicelib/users/extra.py",
    ]


def test_an_import_of_tools_by_the_app_or_of_tests_by_tools_is_seen() -> None:
    offences = planted(
        upward_imports,
        {
            "app.py": "from tools import stage\n",
            "tools/extra.py": "from tests.support import shop\n",
            "bench/extra.py": "from tests.support.shop import Shop\n",
            "tools/local/extra.py": "from bench import meter\n",
        },
    )

    assert [each.split(":")[0] for each in offences] == [
        "app.py", "bench/extra.py", "tools/extra.py", "tools/local/extra.py"
    ]  # fmt: skip


def test_every_module_of_the_app_stands_in_a_known_room() -> None:
    require_none(unknown_rooms)


def test_a_room_that_nobody_knows_is_seen() -> None:
    offences = planted(unknown_rooms, {"chalicelib/helpers.py": "", "chalicelib/loyalty/models.py": ""})

    assert [each.split(" ")[0] for each in offences] == ["chalicelib/helpers.py:1:", "chalicelib/loyalty/models.py:1:"]


def test_no_modules_need_each_other() -> None:
    require_none(cycles)


def test_a_cycle_is_seen_even_where_a_function_imports() -> None:
    offences = planted(
        cycles,
        {
            "tools/one.py": "from tools import two\n",
            "tools/two.py": "from tools.three import run\n",
            "tools/three.py": "def run():\n    from tools import one\n",
            "tools/four.py": "from tools import one\n",
        },
    )

    assert offences == [
        (
            "tools/one.py:1: is in a cycle: tools/one.py > tools/two.py > tools/three.py > tools/one.py; "
            "move what both need below them"
        )
    ]


def test_within_a_domain_imports_go_from_service_to_store_to_views_to_models_to_schemas() -> None:
    require_none(upward_within_domains)


def test_a_store_that_reaches_its_service_is_seen() -> None:
    between = {"chalicelib/privacy/between.py": "from chalicelib.privacy import service\n"}

    assert planted(upward_within_domains, between) == []  # a room with a name of the field may stand above the service
    assert planted(
        upward_within_domains, {**between, "chalicelib/privacy/store.py": "\nfrom chalicelib.privacy import between\n"}
    ) == [
        (
            "chalicelib/privacy/store.py:2: reaches up to chalicelib/privacy/between.py > "
            "chalicelib/privacy/service.py; in a domain schemas < models < views < store < service, "
            "so pass it in or move it down"
        )
    ]


def test_models_do_no_io() -> None:
    require_none(models_with_io)


def test_a_model_that_reaches_the_table_is_seen() -> None:
    between = "chalicelib/privacy/between.py"

    offences = planted(
        models_with_io,
        {
            "chalicelib/privacy/extra/models.py": "from chalicelib.privacy import between\n",
            between: "from chalicelib.aws import db\n",
            "chalicelib/privacy/extra/views.py": "from chalicelib.api.http import Call\n",
        },
    )

    advice = "let the store or the service do that"
    assert offences == [
        f"chalicelib/privacy/extra/models.py:1: reaches I/O by {between} > chalicelib/aws/db.py; {advice}",
        f"chalicelib/privacy/extra/views.py:1: reaches I/O by chalicelib/api/http.py; {advice}",
    ]
