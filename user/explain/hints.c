/* See hints.h. */
#include <ctype.h>
#include <stdbool.h>
#include <stddef.h>
#include <strings.h>

#include "explain/hints.h"

/* Parts of names that hyphens separate, or words of a description. */
static const struct {
	const char *part, *meaning;
	bool ending; /* also where it ends a name without a hyphen before it */
} meanings[] = {
	{ "lm", "a licence manager", false },
	{ "licman", "a licence manager", true },
	{ "license", "a licence manager", false },
	{ "licensing", "a licence manager", false },
	{ "bcast", "a broadcast", true },
	{ "broadcast", "a broadcast", true },
	{ "mcast", "a multicast", true },
	{ "disc", "discovery of others in the network", false },
	{ "discover", "discovery of others in the network", false },
	{ "discovery", "discovery of others in the network", true },
	{ "mgmt", "management", true },
	{ "admin", "administration", true },
	{ "adm", "administration", false },
	{ "ctl", "control", false },
	{ "ctrl", "control", true },
	{ "cntl", "control", false },
	{ "trap", "messages about events, unasked for", true },
	{ "event", "messages about events, unasked for", false },
	{ "evt", "messages about events, unasked for", false },
	{ "agent", "a program on the managed host", true },
	{ "agt", "a program on the managed host", false },
	{ "mon", "monitoring", false },
	{ "monitor", "monitoring", true },
	{ "log", "logging", false },
	{ "repl", "replication", false },
	{ "replication", "replication", false },
	{ "sync", "synchronisation", true },
	{ "backup", "backup", true },
	{ "db", "a database", false },
	{ "sql", "a database", true },
	{ "rpc", "remote procedure calls", true },
	{ "auth", "authentication", true },
	{ "ns", "a name service", false },
	{ "dir", "a directory", false },
	{ "gw", "a gateway", false },
	{ "mq", "a message queue", true },
	{ "vpn", "a private network tunnel", true },
	{ "ssl", "the encrypted half of a pair", true },
	{ "tls", "the encrypted half of a pair", true },
	{ "ups", "an uninterruptible power supply", false },
	{ "voip", "voice calls", false },
	{ "sip", "voice calls", false },
	{ "vid", "video", false },
	{ "video", "video", false },
	{ "cam", "a camera", false },
	{ "chat", "chat", true },
	{ "game", "a game", false },
	{ "print", "printing", true },
	{ "printer", "printing", true },
	{ "prt", "printing", false },
	{ "fax", "fax", true },
	{ "scan", "a scanner", false },
	{ "ftp", "file transfer", true },
	{ "nfs", "a file system", false },
	{ "san", "storage", false },
	{ "storage", "storage", false },
	{ "http", "a web interface", true },
	{ "web", "a web interface", false },
	{ "corba", "CORBA objects", false },
	{ "iiop", "CORBA objects", true },
	{ "soap", "a SOAP interface", true },
	{ "xml", "XML messages", true },
	{ "plc", "an industrial controller", false },
	{ "scada", "industrial control", false },
	{ "medical", "medical devices", false },
	{ "radius", "network access control", false },
	{ "snmp", "network management", false },
};

#define MEANING_COUNT (sizeof(meanings) / sizeof(meanings[0]))

static bool is_part(struct slice word, size_t i)
{
	return slice_same_name(word, slice_of(meanings[i].part));
}

static bool ends_with(struct slice name, size_t i)
{
	uint32_t length = strlen(meanings[i].part);

	return meanings[i].ending && name.length >= length + 2 &&
	       !strncasecmp(name.text + name.length - length, meanings[i].part, length);
}

/* The next run of letters and digits. */
static bool next_part(struct slice *rest, struct slice *ret_part)
{
	uint32_t length = 0;

	while (rest->length && !isalnum((unsigned char)*rest->text))
		*rest = (struct slice){ rest->text + 1, rest->length - 1 };
	while (length < rest->length && isalnum((unsigned char)rest->text[length]))
		length++;
	*ret_part = (struct slice){ rest->text, length };
	rest->text += length;
	rest->length -= length;
	return length > 0;
}

static bool is_new(const struct hint *hints, size_t count, const char *meaning)
{
	for (size_t i = 0; i < count; i++)
		if (!strcmp(hints[i].meaning, meaning))
			return false;
	return true;
}

static size_t search(struct slice text, bool is_name, struct hint *hints, size_t count, size_t size)
{
	struct slice rest = text, part;

	while (next_part(&rest, &part))
		for (size_t i = 0; i < MEANING_COUNT && count < size; i++)
			if ((is_part(part, i) || (is_name && ends_with(part, i))) &&
			    is_new(hints, count, meanings[i].meaning))
				hints[count++] = (struct hint){ slice_of(meanings[i].part),
								meanings[i].meaning };
	return count;
}

size_t hints_find(struct slice name, struct slice description, struct hint *ret_hints, size_t size)
{
	size_t count = search(name, true, ret_hints, 0, size);

	return search(description, false, ret_hints, count, size);
}
