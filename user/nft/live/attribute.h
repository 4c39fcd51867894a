/*
 * A strict reader of netlink attributes: what is not known is told, never passed
 * over. nf_tables' numbers are in network byte order. Pure.
 */
#ifndef PORTSCRIBE_NFT_ATTRIBUTE_H
#define PORTSCRIBE_NFT_ATTRIBUTE_H

#include <libmnl/libmnl.h>
#include <stdbool.h>
#include <stdint.h>

#include "util/slice.h"

/*
 * Spread @size bytes of attributes at @payload over @table, which has room for types
 * 0 to @max; NULL where one is missing. False where one is not known (a type above
 * @max), comes twice, or is cut short; the rest of the table is filled all the same.
 */
bool attributes_spread(const void *payload, size_t size, const struct nlattr **table,
		       unsigned int max);

/* The same for what @nest holds. NULL holds nothing. */
bool attributes_within(const struct nlattr *nest, const struct nlattr **table, unsigned int max);

/* 0 where @attribute is NULL or of another size. */
uint8_t attribute_u8(const struct nlattr *attribute);
uint16_t attribute_u16(const struct nlattr *attribute);
uint32_t attribute_u32(const struct nlattr *attribute);
uint64_t attribute_u64(const struct nlattr *attribute);

/* Up to its NUL; empty where @attribute is NULL. */
struct slice attribute_string(const struct nlattr *attribute);

/* All its bytes. */
struct slice attribute_bytes(const struct nlattr *attribute);

/* The type without the bits that say how it is encoded. */
unsigned int attribute_type(const struct nlattr *attribute);

/*
 * The value of type @type in user data, which nftables keeps as a row of bytes: type,
 * length, value (libnftnl, udata.h). Empty where there is none.
 */
struct slice userdata_find(struct slice userdata, uint8_t type);

/* The comment in user data, without its NUL. */
struct slice userdata_comment(struct slice userdata, uint8_t type);

#endif
