/* See attribute.h. */
#include "nft/live/attribute.h"

#include <arpa/inet.h>
#include <endian.h>
#include <string.h>

unsigned int attribute_type(const struct nlattr *attribute)
{
	return attribute->nla_type & NLA_TYPE_MASK;
}

bool attributes_spread(const void *payload, size_t size, const struct nlattr **table,
		       unsigned int max)
{
	const struct nlattr *attribute = payload;
	int left = size;
	bool known = true;

	memset(table, 0, (max + 1) * sizeof(*table));
	while (mnl_attr_ok(attribute, left)) {
		unsigned int type = attribute_type(attribute);

		if (type > max || table[type])
			known = false;
		else
			table[type] = attribute;
		left -= MNL_ALIGN(attribute->nla_len);
		attribute = mnl_attr_next(attribute);
	}
	return known && left <= 0;
}

bool attributes_within(const struct nlattr *nest, const struct nlattr **table, unsigned int max)
{
	static const struct nlattr nothing;

	return attributes_spread(nest ? mnl_attr_get_payload(nest) : &nothing,
				 nest ? mnl_attr_get_payload_len(nest) : 0, table, max);
}

static bool has_size(const struct nlattr *attribute, size_t size)
{
	return attribute && mnl_attr_get_payload_len(attribute) == size;
}

uint8_t attribute_u8(const struct nlattr *attribute)
{
	return has_size(attribute, sizeof(uint8_t)) ? mnl_attr_get_u8(attribute) : 0;
}

uint16_t attribute_u16(const struct nlattr *attribute)
{
	return has_size(attribute, sizeof(uint16_t)) ? ntohs(mnl_attr_get_u16(attribute)) : 0;
}

uint32_t attribute_u32(const struct nlattr *attribute)
{
	return has_size(attribute, sizeof(uint32_t)) ? ntohl(mnl_attr_get_u32(attribute)) : 0;
}

uint64_t attribute_u64(const struct nlattr *attribute)
{
	return has_size(attribute, sizeof(uint64_t)) ? be64toh(mnl_attr_get_u64(attribute)) : 0;
}

struct slice attribute_bytes(const struct nlattr *attribute)
{
	if (!attribute)
		return (struct slice){ "", 0 };
	return (struct slice){ mnl_attr_get_payload(attribute),
			       mnl_attr_get_payload_len(attribute) };
}

struct slice attribute_string(const struct nlattr *attribute)
{
	struct slice bytes = attribute_bytes(attribute);

	bytes.length = strnlen(bytes.text, bytes.length);
	return bytes;
}

struct slice userdata_find(struct slice userdata, uint8_t type)
{
	const uint8_t *bytes = (const uint8_t *)userdata.text;
	uint32_t at = 0;

	while (at + 2 <= userdata.length && at + 2 + bytes[at + 1] <= userdata.length) {
		if (bytes[at] == type)
			return (struct slice){ userdata.text + at + 2, bytes[at + 1] };
		at += 2 + bytes[at + 1];
	}
	return (struct slice){ "", 0 };
}

struct slice userdata_comment(struct slice userdata, uint8_t type)
{
	struct slice comment = userdata_find(userdata, type);

	comment.length = strnlen(comment.text, comment.length);
	return comment;
}
