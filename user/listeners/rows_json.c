/* Listeners for programs: every socket by itself, nothing folded. See rows.h. */
#include <arpa/inet.h>
#include <string.h>

#include "listeners/rows.h"
#include "render/json.h"

static json_t *foreign_or_null(const char *text)
{
	return text[0] ? json_foreign(text, strlen(text)) : json_null();
}

static json_t *container_json(const struct listener_owner *owner)
{
	if (owner->container_kind == CONTAINER_NONE)
		return json_null();
	return json_pack("{s:s, s:o}", "kind", container_word(owner->container_kind), "name",
			 foreign_or_null(owner->container));
}

json_t *listener_owner_json(const struct listener_owner *owner)
{
	return json_pack("{s:I, s:I, s:o, s:o, s:b, s:b, s:o, s:o, s:o, s:o}", "pid",
			 (json_int_t)owner->pid, "start", (json_int_t)owner->start, "name",
			 json_foreign(owner->name, strlen(owner->name)), "exe",
			 foreign_or_null(owner->exe), "exe_deleted", owner->exe_deleted,
			 "exe_foreign", owner->exe_foreign, "cmdline",
			 foreign_or_null(owner->cmdline), "unit", foreign_or_null(owner->unit),
			 "container", container_json(owner), "pidns",
			 owner->pidns_foreign ? json_integer(owner->pidns) : json_null());
}

static json_t *owners_json(const struct listener *listener)
{
	json_t *array = json_array();

	for (size_t i = 0; i < listener->owner_count; i++)
		json_array_append_new(array, listener_owner_json(listener->owners[i]));
	return array;
}

static json_t *address_json(const struct listener *listener)
{
	char text[INET6_ADDRSTRLEN];

	inet_ntop(listener->family, listener->address.bytes, text, sizeof(text));
	return json_string(text);
}

static json_t *counters_json(const struct snapshot *traffic, const struct listener *listener)
{
	struct counter in =
		snapshot_port(traffic, listener->transport, SIDE_LOCAL, DIR_IN, listener->port);
	struct counter out =
		snapshot_port(traffic, listener->transport, SIDE_LOCAL, DIR_OUT, listener->port);
	json_t *json =
		json_pack("{s:{s:I, s:I}, s:{s:I, s:I}}", "in", "packets", (json_int_t)in.packets,
			  "bytes", (json_int_t)in.bytes, "out", "packets", (json_int_t)out.packets,
			  "bytes", (json_int_t)out.bytes);

	if (listener->transport == TRANSPORT_TCP) {
		json_object_set_new(json, "attempts",
				    json_integer(traffic->attempts[listener->port]));
		json_object_set_new(json, "answers",
				    json_integer(traffic->answers[listener->port]));
	}
	return json;
}

static const char *known_word(enum owners_known known)
{
	static const char *const words[] = {
		[OWNERS_NOT_ASKED] = "not-asked",
		[OWNERS_KNOWN] = "known",
		[OWNERS_UNREADABLE] = "unreadable",
		[OWNERS_KERNEL] = "kernel",
	};

	return words[known];
}

static void add_opinion(json_t *json, const struct listener_opinion *opinion)
{
	json_object_set_new(json, "service", json_slice(opinion->service));
	json_object_set_new(json, "verdict", json_string(listener_verdict_word(opinion->verdict)));
	json_object_set_new(json, "reason", json_foreign(opinion->reason, strlen(opinion->reason)));
	json_object_set_new(json, "practice",
			    opinion->practice ? json_slice(opinion->practice->name) : json_null());
	json_object_set_new(json, "policy_line",
			    opinion->rule ? json_integer(policy_rule_line(opinion->rule))
					  : json_null());
}

json_t *listener_json(const struct listener *listener, const struct listener_opinion *opinion,
		      const struct snapshot *traffic)
{
	bool counted = traffic && listener->netns == 0;
	json_t *json = json_pack(
		"{s:s, s:s, s:o, s:i, s:s, s:o, s:b, s:b, s:I, s:I, s:I, s:I, s:I, s:i, s:i, s:s, "
		"s:o, s:o, s:o}",
		"transport", transport_name(listener->transport), "family",
		listener->family == AF_INET ? "ipv4" : "ipv6", "address", address_json(listener),
		"port", listener->port, "scope", listener_scope_word(listener->scope), "interface",
		foreign_or_null(listener->interface), "v6only", listener->v6only, "mptcp",
		listener->mptcp, "queued", (json_int_t)listener->queued, "backlog",
		(json_int_t)listener->backlog, "uid", (json_int_t)listener->uid, "inode",
		(json_int_t)listener->inode, "cookie", (json_int_t)listener->cookie, "sharing",
		(int)listener->group, "namespace", (int)listener->netns, "owners_known",
		known_word(listener->known), "owners", owners_json(listener), "kernel",
		foreign_or_null(listener->kernel), "counters",
		counted ? counters_json(traffic, listener) : json_null());

	if (json)
		add_opinion(json, opinion);
	return json;
}

static json_t *namespaces_json(const struct listeners *listeners)
{
	json_t *array = json_array();

	for (size_t i = 0; i < listeners->netns_count; i++)
		json_array_append_new(array,
				      json_pack("{s:o, s:I, s:I}", "name",
						foreign_or_null(listeners->netns[i].name), "inode",
						(json_int_t)listeners->netns[i].id.inode, "cookie",
						(json_int_t)listeners->netns[i].id.cookie));
	return array;
}

static json_t *row_json(const struct listener_rows *rows, const struct listener_row *row)
{
	json_t *json = listener_json(row->listener, &row->opinion, rows->traffic);

	if (json)
		json_object_set_new(json, "reach", foreign_or_null(row->admits));
	return json;
}

json_t *listener_rows_json(const struct listener_rows *rows)
{
	json_t *array = json_array();

	for (size_t i = 0; i < rows->count; i++)
		json_array_append_new(array, row_json(rows, &rows->items[i]));
	return json_pack("{s:s, s:o, s:o, s:o, s:o}", "schema", "portscribe.listeners.v1", "taken",
			 json_time(rows->listeners->taken), "namespaces",
			 namespaces_json(rows->listeners), "missing",
			 foreign_or_null(rows->listeners->gaps.needed.text), "listeners", array);
}
