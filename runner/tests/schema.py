# SPDX-License-Identifier: GPL-2.0
"""Check a value against a JSON schema, as far as the schemas here go.

Python's library has nothing for it.  A keyword that this does not know is an
error and never passed over, so that no part of a schema goes unchecked.
"""

import json
import re
from pathlib import Path
from typing import Any

SCHEMAS = Path(__file__).resolve().parents[2] / "docs" / "schema"

ANNOTATIONS = {"$schema", "$comment", "$defs", "title", "description"}
TYPES = {"object": dict, "array": list, "string": str, "null": type(None),
         "boolean": bool}


def load(name: str) -> dict[str, Any]:
    """A schema of the tree."""
    return json.loads((SCHEMAS / name).read_text(encoding="utf-8"))


def is_type(value: Any, name: str) -> bool:
    """Whether a value is of a type; a boolean is no number."""
    if name == "integer":
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, TYPES[name])


def check_object(root: dict, schema: dict, value: dict, at: str) -> list[str]:
    """Members: those that must be there, and each by its own schema."""
    wrong = [f"{at}: no {name}" for name in schema.get("required", [])
             if name not in value]
    known = schema.get("properties", {})
    more = schema.get("additionalProperties", True)
    for name, member in value.items():
        if name in known:
            wrong += check(root, known[name], member, f"{at}.{name}")
        elif more is False:
            wrong.append(f"{at}: {name} is unknown")
        elif more is not True:
            wrong += check(root, more, member, f"{at}.{name}")
    return wrong


def check_value(root: dict, schema: dict, value: Any, at: str) -> list[str]:
    """Everything but members, items and references."""
    wrong = []
    types = schema.get("type", [])
    types = [types] if isinstance(types, str) else types
    if types and not any(is_type(value, name) for name in types):
        wrong.append(f"{at}: {value!r:.40} is no {' or '.join(types)}")
    if "enum" in schema and value not in schema["enum"]:
        wrong.append(f"{at}: {value!r:.40} is not one of {schema['enum']}")
    if "const" in schema and (value != schema["const"] or
                              isinstance(value, bool)):
        wrong.append(f"{at}: {value!r:.40} is not {schema['const']!r}")
    if "pattern" in schema and isinstance(value, str) and \
            not re.search(schema["pattern"], value):
        wrong.append(f"{at}: {value!r:.40} is not {schema['pattern']}")
    if "minimum" in schema and is_type(value, "integer") and \
            value < schema["minimum"]:
        wrong.append(f"{at}: {value} is less than {schema['minimum']}")
    choices = schema.get("anyOf", [])
    if choices and all(check(root, choice, value, at) for choice in choices):
        wrong.append(f"{at}: {value!r:.40} is none of what it may be")
    return wrong


KEYWORDS = ANNOTATIONS | {"$ref", "type", "enum", "const", "pattern",
                          "minimum", "anyOf", "required", "properties",
                          "additionalProperties", "items"}


def check(root: dict, schema: dict, value: Any, at: str = "$") -> list[str]:
    """What is wrong with a value, one sentence each."""
    wrong = [f"{at}: the schema says {name}, which is not known here"
             for name in schema.keys() - KEYWORDS]
    if "$ref" in schema:
        name = schema["$ref"].removeprefix("#/$defs/")
        wrong += check(root, root["$defs"][name], value, at)
    wrong += check_value(root, schema, value, at)
    if isinstance(value, dict):
        wrong += check_object(root, schema, value, at)
    if isinstance(value, list) and "items" in schema:
        for number, item in enumerate(value):
            wrong += check(root, schema["items"], item, f"{at}[{number}]")
    return wrong
