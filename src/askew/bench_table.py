"""A benchmark as its TOML file describes it: read, checked, and taken apart into jobs."""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from askew.bench_jobs import FLOORS, Job, one_of
from askew.bench_protocols import PROTOCOLS, undivided
from askew.bench_results import LOCATED, as_published, measures
from askew.errors import InputError

CAPS = ("most_train", "most_test")
"""Most items of a part; a set's own go before the table's."""
OPTIONS = ("shuffle", *CAPS, "folds", "contamination")
"""What a table says of how its sets are split."""


@dataclass(frozen=True)
class Table:
    """A benchmark as its TOML file describes it."""

    title: str
    protocol: str
    metric: str
    seeds: int
    sets: list[dict[str, Any]]
    rows: list[dict[str, Any]]
    data: dict[str, Any]
    options: dict[str, Any]

    @classmethod
    def read(cls, path: Path) -> Table:
        """Read and check a table.

        Raises
        ------
        InputError: there is no such file, or it is no table; the message says what is wrong.
        """
        try:
            content = tomllib.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise InputError(f"{path} cannot be read: {error.strerror}.") from error
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise InputError(f"{path} is not TOML: {error}.") from error
        try:
            _check(content)
        except InputError as error:
            raise InputError(f"{path}: {error}") from error
        return cls(
            title=content["title"],
            protocol=content["protocol"],
            metric=content.get("metric", "auroc"),
            seeds=content.get("seeds", 5),
            sets=content["set"],
            rows=content["row"],
            data=content.get("data", {}),
            options={k: content[k] for k in OPTIONS if k in content},
        )

    def jobs(self, seeds: int | None) -> Iterator[Job]:
        """Yield all jobs, one set after the other."""
        for entry in self.sets:
            parts = list(self._parts(entry))  # the whole set may have to be read to know them
            for row in self.rows:
                if entry["name"] in row.get("skip", []):
                    continue
                for seed in range(self._seeds(row, entry, seeds)):
                    for part in parts:
                        yield Job(row["name"], entry["name"], part, seed, self._spec(row, entry))

    def _seeds(self, row: Mapping[str, Any], entry: Mapping[str, Any], most: int | None) -> int:
        """Return the fewest seeds that the table, the set, the row or the caller ask for."""
        if row.get("floor") == "constant":
            return 1
        special = row.get("on", {}).get(entry["name"], {})
        asked: list[int] = [level.get("seeds", self.seeds) for level in (entry, row, special)]
        return min([*asked, self.seeds if most is None else most])

    def _parts(self, entry: Mapping[str, Any]) -> Iterable[int]:
        parts: Iterable[int] = entry.get("parts") or PROTOCOLS[self.protocol].parts(entry)
        return parts

    def _spec(self, row: Mapping[str, Any], entry: Mapping[str, Any]) -> dict[str, Any]:
        special = row.get("on", {}).get(entry["name"], {})
        return {
            "protocol": self.protocol,
            "normal": entry.get("normal"),
            **self.options,
            **{name: entry[name] for name in CAPS if name in entry},
            "floor": row.get("floor"),
            "method": row.get("method"),
            **{name: True for name in ("located",) if row.get(name)},
            "parameters": {**row.get("parameters", {}), **special.get("parameters", {})},
            "data": {
                **self.data,
                **entry.get("data", {}),
                **row.get("data", {}),
                **special.get("data", {}),
            },
        }


class Kind(NamedTuple):
    """What the value of a key has to be, in words and as a test."""

    words: str
    fits: Callable[[Any], bool]


def _is_number(value: Any, least: int) -> bool:
    return type(value) is int and value >= least


def _is_argument(value: Any) -> bool:
    listed = isinstance(value, list) and all(map(_is_argument, value))
    return listed or isinstance(value, str | int | float | bool)


def _is_of_sets(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(entry, dict) for entry in value.values())


TEXT = Kind("text", lambda value: isinstance(value, str))
FLAG = Kind("true or false", lambda value: isinstance(value, bool))
COUNT = Kind("a whole number, at least 1", lambda value: _is_number(value, 1))
SHARE = Kind("a share between 0 and 1", lambda value: type(value) is float and 0 < value < 1)
NAMES = Kind("a list of names", lambda v: isinstance(v, list) and all(map(TEXT.fits, v)))
NUMBERS = Kind(
    "a list of numbers from 0 on",
    lambda value: isinstance(value, list) and all(_is_number(part, 0) for part in value),
)
ARGUMENTS = Kind(
    "a table of constructor arguments",
    lambda value: isinstance(value, dict) and all(map(_is_argument, value.values())),
)
ENTRIES = Kind("at least one [[…]] of that name", lambda v: isinstance(v, list) and len(v) > 0)
OF_SETS = Kind("a table for each set, as in on.SET.seeds = 3", _is_of_sets)
PUBLISHED = Kind(
    "a table of numbers such as 76.8 or '76.8±1.9'",
    lambda value: isinstance(value, dict) and None not in map(as_published, value.values()),
)

KEYS: Mapping[str, Mapping[str, Kind]] = {
    "table": {
        **dict.fromkeys(["title", "protocol", "metric"], TEXT),
        **dict.fromkeys(["seeds", "folds", *CAPS], COUNT),
        "shuffle": FLAG,
        "contamination": SHARE,
        "data": ARGUMENTS,
        **dict.fromkeys(["set", "row"], ENTRIES),
    },
    "set": {
        "name": TEXT,
        **dict.fromkeys(["seeds", "normal", *CAPS], COUNT),
        "parts": NUMBERS,
        "published": PUBLISHED,
        "data": ARGUMENTS,
    },
    "row": {
        **dict.fromkeys(["name", "method", "floor"], TEXT),
        **dict.fromkeys(["unranked", "located"], FLAG),
        **dict.fromkeys(["parameters", "data"], ARGUMENTS),
        "seeds": COUNT,
        "skip": NAMES,
        "on": OF_SETS,
    },
    "row's on": {"seeds": COUNT, **dict.fromkeys(["parameters", "data"], ARGUMENTS)},
}
"""What may stand in a table, in its sets and rows, and in what a row says of a set."""


def _check(content: Mapping[str, Any]) -> None:
    """Refuse what nobody would read: a misspelt setting must not be passed over in silence."""
    for name in ("title", "protocol", "set", "row"):
        if name not in content:
            raise InputError(f"there is no {name!r}: see benchmarks/README.md for the form.")
    _check_level("table", [content])
    for level in ("set", "row"):
        _check_level(level, content[level])
        _check_names(level, content[level])
    _check_level("row's on", [o for row in content["row"] for o in row.get("on", {}).values()])
    one_of("protocol", content["protocol"], PROTOCOLS)
    located = LOCATED if any(row.get("located") for row in content["row"]) else ()
    known = [*measures(content["protocol"]), *located]
    one_of("metric", content.get("metric", "auroc"), known)
    if PROTOCOLS[content["protocol"]].parts is undivided:
        for entry in content["set"]:
            if "parts" in entry:
                raise InputError(
                    f"set {entry['name']!r} has parts; {content['protocol']} has none."
                )
    for row in content["row"]:
        _check_row(row, {entry["name"] for entry in content["set"]})


def _check_level(level: str, entries: Sequence[Any]) -> None:
    for entry in entries:
        if not isinstance(entry, dict):
            raise InputError(f"found {entry!r} as a {level}: expected a table, [[{level}]].")
        for key, value in entry.items():
            if key not in KEYS[level]:
                raise InputError(
                    f"found {key!r} in a {level}, where it means nothing: expected "
                    f"{', '.join(sorted(KEYS[level]))}."
                )
            if not KEYS[level][key].fits(value):
                raise InputError(
                    f"{key} = {value!r} in a {level}: expected {KEYS[level][key].words}."
                )


def _check_names(level: str, entries: Sequence[Mapping[str, Any]]) -> None:
    if not all("name" in entry for entry in entries):
        raise InputError(f"there is a {level} without a name.")
    (name, times), *_ = Counter(entry["name"] for entry in entries).most_common(1)
    if times > 1:
        raise InputError(f"there are {times} times a {level} {name!r}: give each its own name.")


def _check_row(row: Mapping[str, Any], sets: set[str]) -> None:
    if "floor" in row:
        one_of("floor", row["floor"], FLOORS)
    if ("method" in row) == ("floor" in row):
        both = "both a method and a floor" if "method" in row else "neither a method nor a floor"
        raise InputError(f"row {row['name']!r} has {both}: expected one of them.")
    strangers = {*row.get("skip", []), *row.get("on", {})} - sets
    if strangers:
        raise InputError(f"row {row['name']!r} names {min(strangers)!r}, not a set.")
