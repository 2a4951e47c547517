#!/usr/bin/env python3
"""Rules of the house that no compiler checks: arrows, homes of libraries, banned calls, lengths, dead headers."""
import graphlib
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent

# Which rooms a room may include from (beside itself).
ARROWS = {
    "core": set(),
    "config": {"core"},
    "persistence": {"core"},
    "actors": {"config", "core"},
    "simulations": {"actors", "config", "core", "persistence"},
    "http": {"actors", "config", "core"},
    "cli": {"http", "simulations", "actors", "config", "core", "persistence"},
}
# Third-party headers and the files that may include them.
HOMES = {
    r"lmdb\.h": r"persistence/lmdb[a-z_]*\.(hpp|cpp)$",
    r"httplib\.h": r"(http/(edge/(server|chunked_decoder|exchange|reply)|upstream/(upstream_exchange|socket_connector))\.(hpp|cpp)|cli/client/api_client\.cpp)$",
    r"prometheus/": r"http/surfaces/metrics_text\.cpp$",
    r"yaml-cpp/": r"config/.*\.(hpp|cpp)$",
    r"boost/json": r"(http|cli)/.*\.(hpp|cpp)$",
    r"caf/": r"(actors|http|simulations|cli)/.*\.(hpp|cpp)$",
}
# Time, chance and threads come from ports in the rooms that must be repeatable.
BANNED_BELOW = r"system_clock::now|steady_clock::now|random_device|\brand\(|sleep_for|std::thread"
# CAF looks behind a null pointer for the arguments of an actor that is spawned without any.
SPAWN_WITHOUT_ARGUMENTS = r"(->|\.)spawn(<[^>]*>)?\((&?[\w:]+)?\)"
BANNED_EVERYWHERE = r"caf::infinite|caf/all\.hpp|\bTODO\b|\bFIXME\b|\bXXX\b"
REPEATABLE = {"core", "config", "persistence", "actors", "simulations"}
LINES_MAX = 400
COLUMNS_MAX = 120

violations = []


def complain(path, number, message):
    violations.append(f"{path}:{number}: {message}")


def tracked():
    names = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split("\n")
    return [name for name in names if name.endswith((".hpp", ".cpp")) and (ROOT / name).exists()]


def check_include(path, number, room, line):
    ours = re.match(r'#include "([a-z]+)/', line)
    if ours and room in ARROWS and ours.group(1) != room and ours.group(1) not in ARROWS[room]:
        complain(path, number, f"{room} must not include {ours.group(1)}")
    library = re.match(r"#include <([^>]+)>", line)
    if library and room in ARROWS:
        for header, home in HOMES.items():
            if re.match(header, library.group(1)) and not re.search(home, path):
                complain(path, number, f"<{library.group(1)}> has its home elsewhere")


def check_file(path):
    room = path.split("/")[0]
    lines = (ROOT / path).read_text(encoding="utf-8").split("\n")
    if len(lines) - 1 > LINES_MAX:
        complain(path, len(lines) - 1, f"over {LINES_MAX} lines: split it by concept")
    for number, line in enumerate(lines, 1):
        if len(line) > COLUMNS_MAX:
            complain(path, number, f"over {COLUMNS_MAX} columns")
        check_include(path, number, room, line)
        if room in REPEATABLE and re.search(BANNED_BELOW, line):
            complain(path, number, "time, chance and threads come from ports here")
        if room in ARROWS and re.search(BANNED_EVERYWHERE, line):
            complain(path, number, "banned here (scripts/tidy.py says what)")
        if re.search(SPAWN_WITHOUT_ARGUMENTS, line):
            complain(path, number, "give the actor an argument (scripts/tidy.py says why)")
        if path.endswith(".hpp") and re.match(r"\s*using namespace", line) and room != "tests":
            complain(path, number, "no using namespace in headers")


def check_dead_headers(paths):
    texts = {path: (ROOT / path).read_text(encoding="utf-8") for path in paths}
    for path in paths:
        if path.endswith(".hpp") and not path.startswith("cmake/"):
            if not any(f'"{path}"' in text for other, text in texts.items() if other != path):
                complain(path, 1, "nobody includes this header")


# Inside a room arrows go one way, too, between its folders; the few files at its top may know, and be known by, all.
def check_folders(paths):
    below = {}
    for path in paths:
        room, *folder = path.split("/")[:-1]
        if room not in ARROWS or not folder:
            continue
        for other in re.findall(rf'#include "{room}/(\w+)/', (ROOT / path).read_text(encoding="utf-8")):
            if other != folder[0]:
                below.setdefault(f"{room}/{folder[0]}", set()).add(f"{room}/{other}")
    try:
        list(graphlib.TopologicalSorter(below).static_order())
    except graphlib.CycleError as error:
        complain(error.args[1][0], 0, "folders include each other: " + " <- ".join(error.args[1]))


files = tracked()
for file in files:
    check_file(file)
check_dead_headers(files)
check_folders(files)
print("\n".join(violations) or f"tidy: {len(files)} files in order")
sys.exit(1 if violations else 0)
