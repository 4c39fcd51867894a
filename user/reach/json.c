/* See render.h. */
#include <linux/netfilter.h>
#include <string.h>

#include "reach/render.h"
#include "render/json.h"
#include "what.h"

static json_t *addresses_json(uint8_t family, const struct interval *list, size_t count)
{
	json_t *array = json_array();
	char text[ADDRESSES_MAX];

	for (size_t i = 0; i < count; i++)
		json_array_append_new(array, json_string(addresses_text(text, family, list[i])));
	return array;
}

static json_t *ports_json(const struct interval *list, size_t count)
{
	json_t *array = json_array();

	for (size_t i = 0; i < count; i++)
		json_array_append_new(array, json_pack("{s:i, s:i}", "first", (int)list[i].first,
						       "last", (int)list[i].last));
	return array;
}

static json_t *interfaces_json(const struct reach_where *where, const struct host *host)
{
	json_t *array = json_array();

	for (size_t i = 0; i < where->interface_count; i++)
		for (number_t at = where->interfaces[i].first;
		     at <= where->interfaces[i].last && at < host->count; at++)
			json_array_append_new(array,
					      json_slice(slice_of(host->interfaces[at].name)));
	return array;
}

static json_t *where_json(const struct reach_answer *answer, const struct reach_where *where,
			  const struct reach_style *style)
{
	const struct beside_item *beside = reach_beside(style, &answer->question, where);
	uint8_t family = answer->question.family;

	return json_pack("{s:b, s:o, s:b, s:o, s:b, s:o, s:b, s:o, s:b, s:o}", "any_source",
			 where->any_source, "sources",
			 addresses_json(family, where->sources, where->source_count),
			 "any_interface", where->any_interface, "interfaces",
			 interfaces_json(where, style->host), "any_destination",
			 where->any_destination, "destinations",
			 addresses_json(family, where->destinations, where->destination_count),
			 "any_source_port", where->any_source_port, "source_ports",
			 ports_json(where->source_ports, where->source_port_count), "loopback",
			 where->is_loopback, "beside",
			 beside ? json_slice(slice_of(beside->text)) : json_null());
}

static json_t *rule_json(const struct reach_rule *rule)
{
	const struct kernel_item *item;

	if (!rule->chain)
		return json_null();
	item = &rule->chain->item;
	return json_pack("{s:s, s:o, s:o, s:o, s:o}", "family", family_name(item->family), "table",
			 json_slice(item->table), "chain", json_slice(item->name), "handle",
			 rule->rule ? json_integer((json_int_t)rule->rule->item.handle)
				    : json_null(),
			 "comment", json_slice(rule->comment));
}

static json_t *part_json(const struct reach_answer *answer, const struct reach_part *part,
			 const struct reach_style *style)
{
	json_t *where = json_array(), *when = json_array(), *path = json_array();
	char address[ADDRESSES_MAX];

	for (size_t i = 0; i < part->where_count; i++)
		json_array_append_new(where, where_json(answer, &part->where[i], style));
	for (size_t i = 0; i < part->when_count; i++)
		json_array_append_new(when, json_slice(slice_of(part->when[i])));
	for (size_t i = 0; i < part->path_count; i++)
		json_array_append_new(path, rule_json(&part->path[i]));
	return json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:i, s:o, s:o}", "verdict",
			 reach_verdict_name(part->verdict), "where", where, "when", when, "reason",
			 part->reason ? json_slice(slice_of(part->reason)) : json_null(),
			 "decided_by", rule_json(&part->decides), "translated_by",
			 rule_json(&part->translates), "port", part->port, "address",
			 part->has_address
				 ? json_string(addresses_text(
					   address, answer->question.family,
					   (struct interval){ part->address, part->address }))
				 : json_null(),
			 "path", path);
}

json_t *reach_json(const struct reach_answer *answer, const struct reach_style *style)
{
	json_t *parts = json_array();

	for (size_t i = 0; i < answer->count; i++)
		json_array_append_new(parts, part_json(answer, &answer->parts[i], style));
	return json_pack("{s:i, s:s, s:s, s:o, s:o}", "port", answer->question.port, "transport",
			 transport_name(answer->question.transport), "family",
			 answer->question.family == NFPROTO_IPV4 ? "ipv4" : "ipv6", "verdict",
			 answer->no_address
				 ? json_null()
				 : json_string(reach_verdict_name(reach_answer_verdict(answer))),
			 "parts", parts);
}

json_t *beside_json(const struct beside *beside, const struct host *host)
{
	json_t *array = json_array();

	for (size_t i = 0; i < beside->count; i++) {
		const struct beside_item *item = &beside->items[i];

		json_array_append_new(
			array, json_pack("{s:o, s:b, s:b, s:o, s:b}", "what",
					 json_slice(slice_of(item->text)), "ipv4",
					 item->families[0], "ipv6", item->families[1], "interface",
					 item->interface < host->count
						 ? json_slice(slice_of(
							   host->interfaces[item->interface].name))
						 : json_null(),
					 "partial", item->partial));
	}
	return array;
}
