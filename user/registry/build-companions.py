#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0 OR MIT
"""Find ports that were registered together and write companions.tsv.

For maintainers; the build never runs it. Reads services.tsv (the registry) and
pairs.tsv (pairs that no rule finds, by hand), both beside this script.

    build-companions.py [-o companions.tsv]

The rules, and how far they can be trusted, are said beside the code. A rule
looks at names, descriptions, assignees and distances; it never knows that two
ports belong together, so the program shows the rule with the pair.
"""

import argparse
import os
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))

COLUMNS = (
    ("port", "the port that the other one belongs to"),
    ("name", "its service name"),
    ("companion", "the other port"),
    ("companion_name", "its service name"),
    ("role", "what the companion is to the port, a few words"),
    ("rule", "tls | role | role-far | assignee | group | description | hand"),
    ("confidence", "high | medium | low"),
    ("source", "of a pair made by hand: document, and section; else -"),
)

# Endings that make the name of an encrypted variant, longest first; a pair counts
# only where the description speaks of encryption too: "s" alone is also a plural.
TLS_ENDINGS = ("-secure", "secure", "-https", "-dtls", "-ssl", "-tls", "-sec", "dtls",
               "-s", "ssl", "tls", "sec", "s")
TLS_WORDS = re.compile(r"\b(d?tls|ssl|https|secured?|security|encrypted)\b", re.I)

# Endings that say what the other port is for.
ROLES = {
    "bcast": "broadcast half", "broadcast": "broadcast half", "mcast": "multicast half",
    "multicast": "multicast half", "trap": "trap port", "data": "data port",
    "admin": "administration port", "adm": "administration port", "mgmt": "management port",
    "mgr": "manager", "manager": "manager", "control": "control port", "ctrl": "control port",
    "ctl": "control port", "cntl": "control port", "cmd": "command port", "agent": "agent",
    "agt": "agent", "log": "log port", "event": "event port", "http": "HTTP port",
    "ssh": "port over SSH", "disc": "discovery half", "discovery": "discovery half",
    "proxy": "proxy", "gw": "gateway", "alt": "alternate port", "local": "local port",
    "lm": "licence manager", "client": "client's port", "rpc": "RPC port", "sync": "sync port",
    "auth": "authentication port", "mon": "monitor", "monitor": "monitor", "db": "database port",
}

NEAR_ROLE = 3       # numbers apart; farther ones are mostly another product of the same word
NEAR_ASSIGNEE = 2
COMMON = 3          # letters that two names begin with
GENERIC = {"IANA", "IESG", "IETF Chair"}  # assignees of unrelated standards


def fail(message):
    sys.exit(f"build-companions.py: {message}")


def read_table(name, columns):
    path = os.path.join(HERE, name)
    with open(path, encoding="utf-8") as f:
        for number, line in enumerate(f, 1):
            if line.startswith("#"):
                continue
            fields = line.rstrip("\n").split("\t")
            if len(fields) != columns:
                fail(f"{path}:{number}: {len(fields)} columns, not {columns}")
            yield fields


class Service:
    def __init__(self, fields):
        (self.ports, _, self.status, self.name, self.description, _, assignee,
         self.registered, _, _, _, _, _, source) = fields
        self.assignees = set(assignee.split("; ")) - {""}
        self.assignee = assignee
        self.inherited = "assignee=next:" in source
        self.port = int(self.ports) if self.ports.isdigit() else None


def read_services():
    """{port: [Service]} of assigned single numbers, a name once for each."""
    by_port = {}
    for fields in read_table("services.tsv", 14):
        service = Service(fields)
        if service.status != "assigned" or service.port is None:
            continue
        known = by_port.setdefault(service.port, [])
        if service.name not in [s.name for s in known]:
            known.append(service)
    return by_port


def stem(name):
    return name.lower()


def tls_pairs(by_name):
    """NAME and NAMEs, NAME-ssl...: right in 25 of 25 pairs looked at."""
    for name, services in by_name.items():
        for ending in TLS_ENDINGS:
            base = name[:-len(ending)]
            if not name.endswith(ending) or len(base) < 2 or base not in by_name:
                continue
            for secure in services:
                if not TLS_WORDS.search(secure.description):
                    continue
                for plain in by_name[base]:
                    # Both encrypted, by their own words: two products.
                    if plain.port == secure.port or TLS_WORDS.search(plain.description):
                        continue
                    half = "DTLS half" if "dtls" in ending else "TLS half"
                    yield plain, secure, half, "tls", "high"
            break


def http_pairs(by_name):
    """oob-ws-http and oob-ws-https."""
    for name, services in by_name.items():
        if name.endswith("-https") and name[:-1] in by_name:
            for secure in services:
                for plain in by_name[name[:-1]]:
                    yield plain, secure, "TLS half", "tls", "high"


def role_pairs(by_name):
    """NAME and NAME-trap...: near ones right in 25 of 25, far ones in 21 of 25."""
    for name, services in by_name.items():
        for ending, role in ROLES.items():
            base = name[:-len(ending)].rstrip("-_")
            if not name.endswith(ending) or len(base) < COMMON or base not in by_name:
                continue
            for other in services:
                for main in by_name[base]:
                    distance = abs(other.port - main.port)
                    if distance == 0:
                        continue
                    near = distance <= NEAR_ROLE
                    yield (main, other, role, "role" if near else "role-far",
                           "high" if near else "low")


def common_prefix(a, b):
    return len(os.path.commonprefix([a.lower(), b.lower()]))


def first_word(text):
    found = re.search(r"[a-z0-9]+", text.lower())
    return found.group(0) if found else ""


def same_first_word(a, b):
    word = first_word(a.description)
    return len(word) >= COMMON and word == first_word(b.description)


def neighbour(a, b):
    """What two ports at most NEAR_ASSIGNEE apart have in common, or None."""
    alike = common_prefix(a.name, b.name) >= COMMON
    if a.assignees & b.assignees:
        if alike:
            # Where the assignee stands on the last row of a group only, the group
            # is an inference of build-registry.py.
            return ("group", "medium") if a.inherited or b.inherited else ("assignee", "high")
        if (same_first_word(a, b) and a.registered == b.registered
                and not a.assignees & GENERIC):
            return "description", "medium"
    elif not a.assignee and not b.assignee and alike and same_first_word(a, b):
        return "group", "medium"
    return None


def neighbour_pairs(by_port):
    for port in sorted(by_port):
        for distance in range(1, NEAR_ASSIGNEE + 1):
            for a in by_port[port]:
                for b in by_port.get(port + distance, []):
                    found = neighbour(a, b)
                    if found:
                        yield a, b, "neighbour", *found


def hand_pairs():
    for port, name, companion, companion_name, role, source, confidence in \
            read_table("pairs.tsv", 7):
        yield int(port), name, int(companion), companion_name, role, "hand", confidence, source


def find_pairs():
    by_port = read_services()
    by_name = {}
    for services in by_port.values():
        for service in services:
            by_name.setdefault(stem(service.name), []).append(service)

    pairs = {}  # two ports: the best that was found, in the order of trust
    for port, name, companion, companion_name, *rest in hand_pairs():
        pairs[frozenset((port, companion))] = (port, name, companion, companion_name, *rest)
    for source in (http_pairs(by_name), tls_pairs(by_name), role_pairs(by_name),
                   neighbour_pairs(by_port)):
        for main, other, role, rule, confidence in source:
            pairs.setdefault(frozenset((main.port, other.port)),
                             (main.port, main.name, other.port, other.name, role, rule,
                              confidence, "-"))
    return sorted(pairs.values(), key=lambda pair: (pair[0], pair[2]))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-o", "--output", help="file to write (default: standard output)")
    options = parser.parse_args()

    pairs = find_pairs()
    lines = [
        "# Ports that belong together, found in services.tsv by build-companions.py by rules that",
        "# stand there, and by hand (pairs.tsv). Do not edit by hand.",
        "#",
        f"# {len(pairs)} pairs. Sorted by port, then by companion. A row has {len(COLUMNS)} columns,"
        " separated by tabs:",
    ]
    lines += [f"#   {number} {name}: {meaning}" for number, (name, meaning) in
              enumerate(COLUMNS, 1)]
    lines += ["\t".join(map(str, pair)) for pair in pairs]
    data = "\n".join(lines) + "\n"
    if options.output:
        with open(options.output, "w", encoding="utf-8") as f:
            f.write(data)
    else:
        sys.stdout.write(data)


if __name__ == "__main__":
    main()
