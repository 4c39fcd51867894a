/*
 * From the ports of a rule to one line: equal ports merged, destination ports
 * before source ports, then as much detail and as many ports as fit beside the
 * packet count, and "+N more" for the rest.
 */
#include "nft/comment.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "nft/describe.h"
#include "nft/words.h"

/* More than a comment can show: a port and its separator take three bytes at least. */
#define SHOWN_MAX 48

struct port_set {
	uint64_t bits[PORT_COUNT / 64];
};

/*
 * What a rule names, each port or range once, in order. Bounded, however many ports
 * the rule has: the most telling ones.
 */
struct digest {
	struct port_use uses[SHOWN_MAX];
	unsigned int weights[SHOWN_MAX]; /* filled once there is no more room */
	size_t count;
	size_t more;		/* those that are not in @uses */
	struct port_set single; /* single ports seen, of the side being added */
};

static bool port_set_add(struct port_set *set, uint16_t port)
{
	uint64_t bit = (uint64_t)1 << (port % 64);
	bool added = !(set->bits[port / 64] & bit);

	set->bits[port / 64] |= bit;
	return added;
}

static struct port_use *digest_find(struct digest *digest, const struct port_use *use)
{
	for (size_t i = 0; i < digest->count; i++) {
		struct port_use *other = &digest->uses[i];

		if (other->first == use->first && other->last == use->last &&
		    !other->source == !use->source)
			return other;
	}
	return NULL;
}

/* Take @use in place of the last of the least telling ones, if it tells more. */
static void digest_crowd_in(struct digest *digest, const struct comment_facts *facts,
			    const struct port_use *use)
{
	unsigned int weight = describe_weight(facts, use);
	size_t least = 0, last = SHOWN_MAX - 1;

	for (size_t i = 0; !digest->more && i < SHOWN_MAX; i++)
		digest->weights[i] = describe_weight(facts, &digest->uses[i]);
	digest->more++;
	for (size_t i = 0; i < SHOWN_MAX; i++)
		if (digest->weights[i] <= digest->weights[least])
			least = i;
	if (digest->weights[least] >= weight)
		return;
	memmove(&digest->uses[least], &digest->uses[least + 1],
		(last - least) * sizeof(digest->uses[0]));
	memmove(&digest->weights[least], &digest->weights[least + 1],
		(last - least) * sizeof(digest->weights[0]));
	digest->uses[last] = *use;
	digest->weights[last] = weight;
}

static void digest_add(struct digest *digest, const struct comment_facts *facts,
		       const struct port_use *use)
{
	bool fresh = use->first != use->last || port_set_add(&digest->single, use->first);
	struct port_use *known = digest_find(digest, use);

	if (known) {
		known->transports = known->transports && use->transports
					    ? known->transports | use->transports
					    : 0;
	} else if (digest->count < SHOWN_MAX) {
		digest->uses[digest->count++] = *use;
	} else if (fresh) {
		digest_crowd_in(digest, facts, use);
	}
}

/* Destination ports first: they say what a rule is for. */
static void digest_make(struct digest *digest, const struct comment_facts *facts,
			const struct port_use *uses, size_t count)
{
	digest->count = digest->more = 0;
	for (int source = 0; source <= 1; source++) {
		memset(&digest->single, 0, sizeof(digest->single));
		for (size_t i = 0; i < count; i++) {
			if (!uses[i].source == !source)
				digest_add(digest, facts, &uses[i]);
		}
	}
}

/* Word by word: a rule may name wide ranges often. */
static void port_set_add_range(struct port_set *set, uint16_t first, uint16_t last)
{
	for (size_t word = first / 64; word <= last / 64u; word++) {
		uint64_t bits = ~(uint64_t)0;

		if (word == first / 64u)
			bits &= ~(uint64_t)0 << (first % 64);
		if (word == last / 64u)
			bits &= ~(uint64_t)0 >> (63 - last % 64);
		set->bits[word] |= bits;
	}
}

/*
 * Packets that arrived for the ports in @set, which are those of @transport.
 * Overlapping uses (80 and 1-1000) count a port once.
 */
static uint64_t set_packets(const struct snapshot *snapshot, enum transport transport,
			    enum side side, const struct port_set *set)
{
	uint64_t packets = 0;

	if (!snapshot->ports[transport])
		return 0;
	for (size_t word = 0; word < PORT_COUNT / 64; word++) {
		for (uint64_t left = set->bits[word]; left; left &= left - 1) {
			uint16_t port = (uint16_t)(word * 64 + (size_t)__builtin_ctzll(left));

			packets += snapshot_port(snapshot, transport, side, DIR_IN, port).packets;
		}
	}
	return packets;
}

static uint64_t packets_sum(const struct snapshot *snapshot, const struct port_use *uses,
			    size_t count, bool source)
{
	uint64_t packets = 0;

	for (unsigned int t = 0; t < TRANSPORT_COUNT; t++) {
		struct port_set set = { 0 };

		for (size_t i = 0; i < count; i++) {
			if (!uses[i].source == !source && use_transports(&uses[i]) & 1u << t)
				port_set_add_range(&set, uses[i].first, uses[i].last);
		}
		packets += set_packets(snapshot, t, source ? SIDE_PEER : SIDE_LOCAL, &set);
	}
	return packets;
}

static bool is_one_port(const struct port_use *uses, size_t count, bool source)
{
	const struct port_use *only = NULL;

	for (size_t i = 0; i < count; i++) {
		if (!uses[i].source != !source)
			continue;
		if (uses[i].first != uses[i].last || (only && only->first != uses[i].first))
			return false;
		only = &uses[i];
	}
	return true;
}

/* "940", "12.4k", "124k", "1.3M": cut, not rounded, so that it never says too much. */
static void packets_print(uint64_t packets, char *text, size_t size)
{
	static const char units[] = "kMGTPE";
	uint64_t unit = 1000;
	size_t i = 0;

	if (packets < 1000) {
		snprintf(text, size, "%u", (unsigned int)packets);
		return;
	}
	while (packets / unit >= 1000 && units[i + 1]) {
		unit *= 1000;
		i++;
	}
	if (packets / unit < 100)
		snprintf(text, size, "%u.%u%c", (unsigned int)(packets / unit),
			 (unsigned int)(packets % unit / (unit / 10)), units[i]);
	else
		snprintf(text, size, "%u%c", (unsigned int)(packets / unit), units[i]);
}

/*
 * "; 12.4k pkts to port since 2026-11-03" (UTC). The count is the port's, not
 * the rule's. Source ports only where the rule names no others, lest a packet
 * count twice; and then not if peer ports were not counted at all.
 */
static void traffic_write(struct words *words, const struct snapshot *snapshot,
			  const struct port_use *uses, size_t count)
{
	char packets[16], since[16];
	bool source = true;
	struct tm date;

	for (size_t i = 0; i < count; i++)
		source = source && uses[i].source;
	if (!snapshot || (source && snapshot->local_only) ||
	    !gmtime_r(&snapshot->since.tv_sec, &date) ||
	    !strftime(since, sizeof(since), "%Y-%m-%d", &date))
		return;
	packets_print(packets_sum(snapshot, uses, count, source), packets, sizeof(packets));
	words_add(words, "; %s pkts %s port%s since %s", packets, source ? "from" : "to",
		  is_one_port(uses, count, source) ? "" : "s", since);
}

/* Room that "; +12 more" takes. */
static size_t more_length(size_t more)
{
	char text[32];

	return more ? (size_t)snprintf(text, sizeof(text), "; +%zu more", more) : 0;
}

/* As many ports as fit, in order, then how many there are besides. Returns how many fit. */
static size_t list_write(struct words *words, const struct comment_facts *facts,
			 const struct digest *digest, enum detail detail)
{
	size_t all = digest->count + digest->more, shown = 0, length = 0;
	struct words list = *words;

	for (size_t i = 0; i < digest->count; i++) {
		if ((i && !words_add(&list, "; ")) ||
		    !describe_ports(&list, facts, &digest->uses[i], detail))
			break;
		if (list.length + more_length(all - i - 1) <= list.limit) {
			shown = i + 1;
			length = list.length;
		}
	}
	if (!shown)
		return 0;
	words_cut(&list, length);
	if (shown < all)
		words_add(&list, "; +%zu more", all - shown);
	*words = list;
	return shown;
}

/* The ports of which most can be said to the front, else in the order they had. */
static void digest_telling_first(struct digest *digest, const struct comment_facts *facts)
{
	struct port_use uses[SHOWN_MAX];
	size_t count = 0;

	for (unsigned int weight = 3; weight-- > 0;)
		for (size_t i = 0; i < digest->count; i++)
			if (describe_weight(facts, &digest->uses[i]) == weight)
				uses[count++] = digest->uses[i];
	memcpy(digest->uses, uses, count * sizeof(uses[0]));
}

/*
 * A lone port with all that fits. Of many all of them, with as much of each as
 * lets all fit; where they do not, the most telling ones.
 */
static void ports_write(struct words *words, const struct comment_facts *facts,
			struct digest *digest)
{
	enum detail detail = digest->count == 1 ? DETAIL_FULL : DETAIL_PRACTICE;

	for (enum detail all = detail; digest->count > 1 && all <= DETAIL_SHORT; all++) {
		struct words attempt = *words;

		if (list_write(&attempt, facts, digest, all) == digest->count + digest->more) {
			*words = attempt;
			return;
		}
	}
	if (digest->count > 1)
		digest_telling_first(digest, facts);
	if (digest->count > 1)
		detail = DETAIL_SHORT;
	while (!list_write(words, facts, digest, detail) && detail < DETAIL_NUMBER)
		detail++;
}

size_t nft_comment(const struct comment_facts *facts, const struct port_use *uses, size_t count,
		   char ret_text[NFT_COMMENT_MAX + 1])
{
	struct digest digest;
	struct words words, traffic;

	if (!count) {
		ret_text[0] = '\0';
		return 0;
	}
	digest_make(&digest, facts, uses, count);
	words_init(&traffic, NFT_COMMENT_MAX);
	traffic_write(&traffic, facts->traffic, uses, count);
	words_init(&words, NFT_COMMENT_MAX - traffic.length);
	words_add(&words, NFT_COMMENT_PREFIX);
	ports_write(&words, facts, &digest);
	words.limit = NFT_COMMENT_MAX;
	words_add(&words, "%s", traffic.text);
	memcpy(ret_text, words.text, words.length + 1);
	return words.length;
}
