"""What documents, docstrings and comments name in backticks exists: files, modules, functions, classes, commands."""

from __future__ import annotations

import re

from tests.unit.architecture.documents import (
    DOTTED,
    FILE,
    MEDIA_TYPE,
    OF_THE_READER,
    Known,
    Token,
    comments,
    file_table,
    known,
    make_targets,
    tokens,
    tokens_of_code,
)
from tests.unit.architecture.tree import Offence, Tree, modules, planted, require_none

CONTRIBUTING = "CONTRIBUTING.md"
CLASS = re.compile(r"([A-Z][a-z]+)+")
WORD = re.compile(r"[A-Za-z]\w+")


# --- The rules


def missing_files(tree: Tree) -> list[Offence]:
    """Paths of files and folders that there are none of."""
    there = known(tree)
    return [
        Offence(token.path, token.line, f"names the file {token.text}, which there is not; name what took its place")
        for token in _all_tokens(tree)
        if _is_path(there, token.text) and not there.path(token.text) and not there.is_dropped(token.text)
    ]


def missing_names(tree: Tree) -> list[Offence]:
    """Dotted names of modules and what is in them that there are none of."""
    there = known(tree)
    return [
        Offence(token.path, token.line, f"names {token.text}, which there is not; name what took its place")
        for token in _all_tokens(tree)
        if (match := DOTTED.match(token.text)) and token.text[match.end() :] in ("", "()") and not FILE.search(match[0])
        if not there.dotted(match[0]) and not there.value(match[0])
    ]


def missing_words(tree: Tree) -> list[Offence]:
    """Names in docstrings and comments that stand nowhere in the code, and functions that comments send to."""
    there = known(tree)
    return [
        *(
            Offence(token.path, token.line, f"names {token.text}, which stands nowhere in the code; say what it is now")
            for module in modules(tree)
            for token in tokens_of_code(module)
            if WORD.fullmatch(token.text) and not there.word(token.text)
        ),
        *(
            Offence(module.path, line, f"sends to {name}(), which is not in this module; say what it is now")
            for module in modules(tree)
            for line, comment in comments(module)
            for name in re.findall(r"\bsee (\w+)\(\)", comment)
            if name not in {node.name for _, node in module.functions}
        ),
    ]


def wrong_file_tables(tree: Tree) -> list[Offence]:
    """Tables of files in the docstrings of packages that are not the files there, each of them and no other."""
    offences = []
    for module in modules(tree):
        table = file_table(module)
        if table and module.path.endswith("/__init__.py"):
            folder = module.path.removesuffix("__init__.py")
            files = {path.removeprefix(folder) for path in tree if path.startswith(folder)} - {"__init__.py"}
            files = {path for path in files if "/" not in path}
            last = max(table.values())
            offences += [
                Offence(module.path, table[name], f"lists {name}, which is not here") for name in table.keys() - files
            ]
            offences += [
                Offence(module.path, last, f"does not list {name}; say its job") for name in files - table.keys()
            ]
    return offences


def missing_rooms(tree: Tree) -> list[Offence]:
    """Modules in the first column of CONTRIBUTING's tables that there are none of."""
    there = known(tree)
    return [
        Offence(CONTRIBUTING, number, f"lists the module {name}, which there is not; list what took its place")
        for number, line in enumerate(tree[CONTRIBUTING].splitlines(), 1)
        if line.startswith("| `")
        for name in re.findall(r"`([a-z_]+)`", line.split("|")[1])
        if not there.module(name) and not there.folder(name)
    ]


def missing_commands(tree: Tree) -> list[Offence]:
    """Modules to run and targets to make that there are none of."""
    there = known(tree)
    return [
        Offence(token.path, token.line, f"says to run {command}, which there is not")
        for token in _all_tokens(tree)
        for command, is_there in [
            *(
                (f"make {name}", name in make_targets())
                for name in re.findall(r"\bmake ([a-z]+(?:-[a-z]+)*)", token.text)
            ),
            *(
                (f"python -m {name}", there.dotted(name))
                for name in re.findall(r"python -m ((?:tools|bench)[\w.]*)", token.text)
            ),
            *((name, there.path(name)) for name in re.findall(r"python ([\w/]+\.py)", token.text)),
        ]
        if not is_there
    ]


# --- How they look


def _all_tokens(tree: Tree) -> list[Token]:
    documents = [token for path, text in sorted(tree.items()) if path.endswith(".md") for token in tokens(path, text)]
    return documents + [token for module in modules(tree) for token in tokens_of_code(module)]


def _is_path(there: Known, text: str) -> bool:
    """Does it name a file or folder, rather than a route, an address, a type of media or the name of a secret?"""
    if re.search(r"[\s…*{}=:(]", text) or text.startswith(("/", "$", "~", "<", "-")) or text in OF_THE_READER:
        return False
    if MEDIA_TYPE.match(text):
        return False
    is_in_folder = "/" in text and (text.endswith("/") or there.folder(text.partition("/")[0]))
    return bool(FILE.search(text)) or is_in_folder


# --- What they hold to, and that they see


def test_files_that_are_named_exist() -> None:
    require_none(missing_files)


def test_a_file_that_is_gone_is_seen() -> None:
    gone = ["chalicelib/<domain>/stores.py", "chalicelib/keys.py", "docs/nothing.md", "simulation.py", "tests/fakes"]
    there = [
        "orders/store.py",
        "docs/",
        ".chalice/policy-<stage>-authorize.json",
        "chalicelib/<domain>/store.py",
    ]
    no_files = ["POST /x.py", "application/json", ".local/aws.log", "reports/sales/<day>.json", "/x.py"]
    left_out = "```\n`shown/as/code.py`\n```\n<!-- a:begin -->\n`made.py`\n<!-- a:end -->\n"
    text = " ".join(f"`{each}`" for each in gone + there + no_files)

    offences = planted(missing_files, {"docs/extra.md": f"{text}\n\nSee docs/adr/0001, docs/adr/0999.\n{left_out}"})

    assert [each.removesuffix(", which there is not; name what took its place") for each in offences] == [
        *(f"docs/extra.md:1: names the file {path}" for path in gone),
        "docs/extra.md:3: names the file docs/adr/0999",
    ]


def test_modules_and_functions_that_are_named_exist() -> None:
    require_none(missing_names)


def test_a_function_that_is_gone_is_seen() -> None:
    gone = ["access.RECHECKED", "db.Page.behind", "db.commits", "payments.port.Desk", "settlement.settled()"]
    there = ["db.commit", "Page.after", "core.schema", "chalicelib.payments.port", "payments.capture()"]
    there += ["coupon_store.extra", "string.Template", "http.server", "boto3.client"]
    values = ["order.created.v1", "attempt.amount", "payment.nextAction", "upload.url"]
    text = f'"""Of {" ".join(f"`{each}`" for each in gone + there + values)}."""\n'
    tree = {"tools/extra.py": text, "chalicelib/coupons/store.py": "\n\ndef extra() -> None: ...\n"}

    assert [each.split(", which")[0] for each in planted(missing_names, tree)] == [
        f"tools/extra.py:1: names {each}" for each in gone
    ]


def test_names_in_docstrings_and_comments_stand_in_the_code() -> None:
    require_none(missing_words)


def test_a_name_that_nothing_bears_any_more_is_seen() -> None:
    docstring = '"""Up to `limit`, or `None`; raises `Zanzibar`."""'
    text = f"def run(limit):\n    {docstring}\n    # see walk(), not jog(); `quux` before\n\n\ndef walk(): ...\n"

    offences = planted(missing_words, {"tools/extra.py": text, "tools/more.py": "a = 1  # see jog()\n"})

    assert [each.partition(",")[0] for each in offences] == [
        "tools/extra.py:2: names Zanzibar",
        "tools/extra.py:3: names quux",
        "tools/more.py:1: sends to jog()",
    ]


def test_tables_of_files_list_the_files_of_their_package() -> None:
    require_none(wrong_file_tables)


def test_a_file_that_a_table_leaves_out_or_makes_up_is_seen() -> None:
    table = '"""Extra.\n\n| file | job |\n|---|---|\n| `one.py` | first |\n| `two.py` | second |\n"""\n'

    tree = {"tools/extra/__init__.py": table, "tools/extra/one.py": "", "tools/extra/six.py": ""}

    assert planted(wrong_file_tables, tree) == [
        "tools/extra/__init__.py:6: does not list six.py; say its job",
        "tools/extra/__init__.py:6: lists two.py, which is not here",
    ]


def test_rooms_that_contributing_lists_exist() -> None:
    require_none(missing_rooms)


def test_a_room_that_is_gone_is_seen() -> None:
    row = "| `db`, `wharf`, `orders` | `nothing` |\n"

    assert [each.split(": ")[1] for each in planted(missing_rooms, {CONTRIBUTING: row})] == [
        "lists the module wharf, which there is not; list what took its place"
    ]


def test_commands_that_are_named_can_be_run() -> None:
    require_none(missing_commands)


def test_a_command_that_is_gone_is_seen() -> None:
    gone = ["STAGE=dev make haste", "python -m tools.haste --now", "python bench/haste.py"]
    there = ["make run", "python -m tools.audit", "python bench/route_costs.py", "python -m pytest", "make"]
    text = " ".join(f"`{each}`" for each in gone + there)

    offences = planted(missing_commands, {"docs/extra.md": f"{text}\n"})

    assert [each.removesuffix(", which there is not") for each in offences] == [
        "docs/extra.md:1: says to run bench/haste.py",
        "docs/extra.md:1: says to run make haste",
        "docs/extra.md:1: says to run python -m tools.haste",
    ]
