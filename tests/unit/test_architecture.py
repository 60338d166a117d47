"""The rooms of the house and which may look into which, read off the syntax trees."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOMAINS = [
    "users", "auth", "products", "cart", "coupons", "payments", "orders", "privacy", "webhooks", "notifications"
]  # fmt: skip
LEVELS = {"models": 0, "store": 1, "service": 2, "images": 2}

# The only module that may import it, for what has one speaker.
SPEAKERS = {
    "os": {"chalicelib/settings.py"},
    "boto3": {"chalicelib/clients.py"},
    "stripe": {"chalicelib/payments/stripe_provider.py"},
    "chalice": {"chalicelib/http.py", "chalicelib/problems.py", "chalicelib/authorizer.py"},
}
CLOCKS = {"chalicelib/clock.py"}


def modules() -> list[str]:
    return sorted(str(path.relative_to(ROOT)) for path in (ROOT / "chalicelib").rglob("*.py"))


def imports(module: str) -> Iterator[str]:
    """Every imported name in full, wherever in the module it is imported."""
    for node in ast.walk(ast.parse((ROOT / module).read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module} imports relatively"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def domain_of(name: str) -> str | None:
    parts = name.removesuffix(".py").replace("/", ".").split(".")
    return parts[1] if len(parts) > 1 and parts[0] == "chalicelib" and parts[1] in DOMAINS else None


def room_of(name: str) -> str:
    return name.removesuffix(".py").replace("/", ".").split(".")[2]


def test_every_package_is_a_known_domain() -> None:
    packages = {path.parent.name for path in (ROOT / "chalicelib").glob("*/__init__.py")}

    assert packages == set(DOMAINS)


@pytest.mark.parametrize("module", modules())
def test_domains_import_only_domains_before_them(module: str) -> None:
    home = domain_of(module)

    foreign = {name for name in imports(module) if domain_of(name) not in (None, home)}

    if home is None:
        allowed = {name for name in foreign if module == "chalicelib/authorizer.py" and domain_of(name) == "auth"}
        assert foreign == allowed, f"the shared room {module} knows a domain"
    else:
        later = {name for name in foreign if DOMAINS.index(str(domain_of(name))) > DOMAINS.index(home)}
        assert not later


@pytest.mark.parametrize("module", [module for module in modules() if domain_of(module) and "__init__" not in module])
def test_within_a_domain_imports_go_from_service_to_store_to_models(module: str) -> None:
    home, level = domain_of(module), LEVELS.get(room_of(module), 1)

    upward = {
        name
        for name in imports(module)
        if domain_of(name) == home and len(name.split(".")) > 2 and LEVELS.get(room_of(name), 0) > level
    }

    assert not upward


@pytest.mark.parametrize("module", [module for module in modules() if module.endswith("models.py")])
def test_models_do_no_io(module: str) -> None:
    rooms = {
        "chalicelib.aws.db",
        "chalicelib.aws.transport",
        "chalicelib.aws.clients",
        "chalicelib.api.http",
        "chalicelib.core.log",
    }

    assert not rooms.intersection(imports(module))


@pytest.mark.parametrize("module", modules())
def test_what_has_one_speaker_is_imported_by_no_other(module: str) -> None:
    for library, speakers in SPEAKERS.items():
        found = {name for name in imports(module) if name.split(".")[0] == library}
        assert not found or module in speakers, f"{module} imports {library}"


@pytest.mark.parametrize("module", modules())
def test_only_the_clock_asks_for_the_time(module: str) -> None:
    asked = {name for name in imports(module) if name in {"time", "datetime.datetime"}}

    assert not asked or module in CLOCKS


@pytest.mark.parametrize("module", modules())
def test_only_keys_stores_and_db_write_keys_of_the_table(module: str) -> None:
    speakers = ("keys.py", "store.py", "db.py", "simulator.py", "health.py")
    if module.endswith(speakers):
        return
    prefixes = ("USER#", "PRODUCT#", "ORDER#", "SESSION#", "CATALOG#", "STATUS#", "IDEM#", "COUPON#", "COUPONS#")
    tree = ast.parse((ROOT / module).read_text())

    written = [n.value for n in ast.walk(tree) if isinstance(n, ast.Constant) and str(n.value).startswith(prefixes)]

    assert not written


@pytest.mark.parametrize("module", modules())
def test_modules_stay_small_and_catch_only_what_they_expect(module: str) -> None:
    text = (ROOT / module).read_text()
    handlers = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.ExceptHandler)]

    broad = [n.lineno for n in handlers if n.type is None or ast.unparse(n.type) in ("Exception", "BaseException")]

    assert text.count("\n") <= 300
    assert not broad


def test_views_are_at_most_five_lines() -> None:
    tree = ast.parse((ROOT / "app.py").read_text())
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]

    long = [f.name for f in functions if (f.end_lineno or 0) - f.lineno > 5]

    assert functions
    assert not long


def test_the_app_has_no_way_to_read_the_whole_table() -> None:
    trees = {module: ast.parse((ROOT / module).read_text()) for module in [*modules(), "app.py"]}

    assert not [module for module, tree in trees.items() if "'scan'" in ast.unparse(tree)]


def test_nothing_of_the_tools_is_needed_by_the_app() -> None:
    names = {name for module in [*modules(), "app.py"] for name in imports(module)}

    assert not {name for name in names if name.split(".")[0] in ("tools", "tests")}
