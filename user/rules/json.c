/* See rules.h. */
#include <string.h>

#include "nft/describe.h"
#include "render/json.h"
#include "rules/facts.h"
#include "rules/rules.h"

static const char *const roles[PORT_ROLES] = { "destination", "source", "target" };

static json_t *traffic_json(const struct port_facts *facts)
{
	json_t *json = json_pack("{s:I, s:I}", "packets", (json_int_t)facts->in.packets, "bytes",
				 (json_int_t)facts->in.bytes);

	if (facts->has_attempts) {
		json_object_set_new(json, "attempts", json_integer(facts->attempts));
		json_object_set_new(json, "answers", json_integer(facts->answers));
	}
	return json;
}

static void add_reach(json_t *json, enum transport transport, const char *text)
{
	json_t *reach = json_object_get(json, "reach");

	if (!reach) {
		reach = json_object();
		json_object_set_new(json, "reach", reach);
	}
	json_object_set_new(reach, transport_name(transport), json_foreign(text, strlen(text)));
}

static json_t *use_json(const struct rules_facts *facts, const struct port_use *use)
{
	char text[NFT_REMARK_MAX + 1];
	struct port_facts known;
	json_t *json;

	nft_remark(facts->comment, use, text);
	port_facts_read(facts, use, &known);
	json = json_pack("{s:o, s:i, s:i, s:s, s:b, s:o}", "transports",
			 json_transports(use->transports), "first", use->first, "last", use->last,
			 "role", roles[use->role], "negated", use->negated, "text",
			 json_foreign(text + strlen(NFT_COMMENT_PREFIX),
				      strlen(text) - strlen(NFT_COMMENT_PREFIX)));
	if (known.has_listeners)
		json_object_set_new(json, "listened", json_integer(known.listened_count));
	if (known.has_traffic)
		json_object_set_new(json, "in", traffic_json(&known));
	for (enum transport t = 0; t < TRANSPORT_COUNT; t++)
		if (known.admits[t])
			add_reach(json, t, known.admits[t]);
	return json;
}

static json_t *counter_json(const struct rules_item *item)
{
	json_t *json = json_pack("{s:I, s:I}", "packets", (json_int_t)item->packets, "bytes",
				 (json_int_t)item->bytes);

	if (item->counter_name.length)
		json_object_set_new(json, "name", json_slice(item->counter_name));
	return json;
}

static json_t *item_json(const struct rules *rules, const struct rules_facts *facts,
			 const struct rules_item *item)
{
	json_t *ports = json_array(), *json;

	for (size_t i = 0; i < item->use_count; i++)
		json_array_append_new(ports, use_json(facts, &rules->uses[item->first_use + i]));
	json = json_pack("{s:o, s:o, s:i, s:o, s:o}", "family", json_slice(item->place.family),
			 "table", json_slice(item->place.table), "line", (int)item->line, "text",
			 json_foreign(rules->text + item->start, item->end - item->start), "ports",
			 ports);
	if (item->set.length)
		json_object_set_new(json, "set", json_slice(item->set));
	else if (item->place.chain.length)
		json_object_set_new(json, "chain", json_slice(item->place.chain));
	if (item->handle)
		json_object_set_new(json, "handle", json_integer(item->handle));
	if (item->comment.length)
		json_object_set_new(json, "comment", json_slice(item->comment));
	if (item->has_counter)
		json_object_set_new(json, "counter", counter_json(item));
	if (item->reason)
		json_object_set_new(json, "reason", json_string(item->reason));
	return json;
}

json_t *rules_json(const struct rules *rules, const struct rules_facts *facts)
{
	json_t *listed = json_array(), *elements = json_array();

	for (size_t i = 0; i < rules->count; i++) {
		const struct rules_item *item = &rules->items[i];

		json_array_append_new(item->set.length ? elements : listed,
				      item_json(rules, facts, item));
	}
	return json_pack("{s:o, s:o}", "rules", listed, "elements", elements);
}
