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
		    other->role == use->role && other->negated == use->negated)
			return other;
	}
	return NULL;
}

/* What a rule leaves out tells least of it. */
static unsigned int telling(const struct comment_facts *facts, const struct port_use *use)
{
	return use->negated ? 0 : 1 + describe_weight(facts, use);
}

/* Take @use in place of the last of the least telling ones, if it tells more. */
static void digest_crowd_in(struct digest *digest, const struct comment_facts *facts,
			    const struct port_use *use)
{
	unsigned int weight = telling(facts, use);
	size_t least = 0, last = SHOWN_MAX - 1;

	for (size_t i = 0; !digest->more && i < SHOWN_MAX; i++)
		digest->weights[i] = telling(facts, &digest->uses[i]);
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

/*
 * Destination ports first: they say what a rule is for. Of each role, what it names
 * before what it leaves out.
 */
static void digest_make(struct digest *digest, const struct comment_facts *facts,
			const struct port_use *uses, size_t count)
{
	digest->count = digest->more = 0;
	for (unsigned int turn = 0; turn < PORT_ROLES * 2; turn++) {
		memset(&digest->single, 0, sizeof(digest->single));
		for (size_t i = 0; i < count; i++) {
			if (uses[i].role * 2u + uses[i].negated == turn)
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

/* Whether the packets of @use are counted on the side of @role. */
static bool is_counted(const struct port_use *use, enum port_role role)
{
	return use->role == role && !use->negated;
}

static uint64_t packets_sum(const struct snapshot *snapshot, const struct port_use *uses,
			    size_t count, enum port_role role)
{
	uint64_t packets = 0;

	for (unsigned int t = 0; t < TRANSPORT_COUNT; t++) {
		struct port_set set = { 0 };

		for (size_t i = 0; i < count; i++) {
			if (is_counted(&uses[i], role) && use_transports(&uses[i]) & 1u << t)
				port_set_add_range(&set, uses[i].first, uses[i].last);
		}
		packets += set_packets(snapshot, t, role == PORT_SOURCE ? SIDE_PEER : SIDE_LOCAL,
				       &set);
	}
	return packets;
}

static bool is_one_port(const struct port_use *uses, size_t count, enum port_role role)
{
	const struct port_use *only = NULL;

	for (size_t i = 0; i < count; i++) {
		if (!is_counted(&uses[i], role))
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
 * count twice; and then not if peer ports were not counted at all. Nothing of
 * ports that the rule leaves out.
 */
static void traffic_write(struct words *words, const struct snapshot *snapshot,
			  const struct port_use *uses, size_t count)
{
	char packets[16], since[16];
	enum port_role role = PORT_ROLES;
	struct tm date;

	for (size_t i = 0; i < count; i++)
		if (!uses[i].negated && uses[i].role < role)
			role = uses[i].role;
	if (!snapshot || role > PORT_SOURCE || (role == PORT_SOURCE && snapshot->local_only) ||
	    !gmtime_r(&snapshot->since.tv_sec, &date) ||
	    !strftime(since, sizeof(since), "%Y-%m-%d", &date))
		return;
	packets_print(packets_sum(snapshot, uses, count, role), packets, sizeof(packets));
	words_add(words, "; %s pkts %s port%s since %s", packets,
		  role == PORT_SOURCE ? "from" : "to", is_one_port(uses, count, role) ? "" : "s",
		  since);
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
		const struct port_use *use = &digest->uses[i];
		/* "all but 22 ssh, 80 http" */
		bool goes_on = i && use->negated && use[-1].negated && use[-1].role == use->role;

		if ((i && !words_add(&list, goes_on ? ", " : "; ")) ||
		    (!goes_on && !words_add(&list, "%s", describe_role(use))) ||
		    !describe_ports(&list, facts, use, detail))
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

	/* What a rule leaves out stays behind what it names, in one row. */
	for (unsigned int weight = 4; weight-- > 0;)
		for (size_t i = 0; i < digest->count; i++)
			if (telling(facts, &digest->uses[i]) == weight)
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

static size_t write(const struct comment_facts *facts, const struct port_use *uses, size_t count,
		    struct slice counts, size_t limit, struct words *ret_words)
{
	struct digest digest;

	ret_words->length = 0;
	if (!count)
		return 0;
	digest_make(&digest, facts, uses, count);
	words_init(ret_words, limit - counts.length);
	words_add(ret_words, NFT_COMMENT_PREFIX);
	ports_write(ret_words, facts, &digest);
	ret_words->limit = limit;
	words_add(ret_words, "%.*s", (int)counts.length, counts.text);
	return ret_words->length;
}

static struct slice counts_of(const struct words *traffic)
{
	return (struct slice){ traffic->text, traffic->length };
}

size_t nft_comment_counted(const struct comment_facts *facts, const struct port_use *uses,
			   size_t count, struct slice counts, char ret_text[NFT_COMMENT_MAX + 1])
{
	struct words words;
	size_t length = write(facts, uses, count, counts, NFT_COMMENT_MAX, &words);

	memcpy(ret_text, words.text, length);
	ret_text[length] = '\0';
	return length;
}

size_t nft_comment(const struct comment_facts *facts, const struct port_use *uses, size_t count,
		   char ret_text[NFT_COMMENT_MAX + 1])
{
	struct words traffic;

	words_init(&traffic, NFT_COMMENT_MAX);
	traffic_write(&traffic, facts->traffic, uses, count);
	return nft_comment_counted(facts, uses, count, counts_of(&traffic), ret_text);
}

size_t nft_remark(const struct comment_facts *facts, const struct port_use *use,
		  char ret_text[NFT_REMARK_MAX + 1])
{
	struct words words, traffic;
	size_t length;

	words_init(&traffic, NFT_REMARK_MAX);
	traffic_write(&traffic, facts->traffic, use, 1);
	length = write(facts, use, 1, counts_of(&traffic), NFT_REMARK_MAX, &words);
	memcpy(ret_text, words.text, length);
	ret_text[length] = '\0';
	return length;
}

/* Past what @accept takes of the text. */
static size_t pass(struct slice text, size_t at, const char *accept)
{
	while (at < text.length && strchr(accept, text.text[at]))
		at++;
	return at;
}

/* Past @word, if it stands at @at; else 0. */
static size_t pass_word(struct slice text, size_t at, const char *word)
{
	size_t length = strlen(word);

	return at && text.length - at >= length && !memcmp(text.text + at, word, length)
		       ? at + length
		       : 0;
}

static bool is_counts(struct slice text)
{
	size_t at = pass_word(text, pass(text, 2, "0123456789.kMGTPE"), " pkts ");

	at = pass_word(text, at, "to port") ?: pass_word(text, at, "from port");
	at = pass_word(text, at, "s since ") ?: pass_word(text, at, " since ");
	return at && pass(text, at, "0123456789-") == text.length;
}

struct slice nft_comment_counts(struct slice comment)
{
	struct slice counts = { comment.text + comment.length, 0 };

	/* The last "; " of all. */
	for (size_t at = comment.length; at-- > 1;) {
		if (comment.text[at] != ' ' || comment.text[at - 1] != ';')
			continue;
		counts = (struct slice){ comment.text + at - 1, comment.length - at + 1 };
		return is_counts(counts) ? counts
					 : (struct slice){ comment.text + comment.length, 0 };
	}
	return counts;
}
