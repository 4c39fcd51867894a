/*
 * A comment of ours may be from another day, with other counts, less room, or
 * another edition of the registry: it need not be what we would write now. It is
 * enough that it goes through a list of items as we write them, and that the
 * first words of each port are those that we would use. Where that is in doubt,
 * it is a human's, and stays.
 */
#include "nft/ours.h"

#include <stdio.h>
#include <string.h>

#include "nft/describe.h"

#define FIRST_WORDS 3

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Take @word off the front of @text. */
static bool take(struct slice *text, const char *word)
{
	size_t length = strlen(word);

	if (text->length < length || memcmp(text->text, word, length) != 0)
		return false;
	*text = (struct slice){ text->text + length, text->length - length };
	return true;
}

static bool take_number(struct slice *text, uint16_t *ret_number)
{
	uint32_t number = 0, digits = 0;

	while (digits < text->length && digits < 6 && is_digit(text->text[digits]))
		number = number * 10 + (text->text[digits++] - '0');
	if (!digits || number > UINT16_MAX)
		return false;
	*text = (struct slice){ text->text + digits, text->length - digits };
	*ret_number = number;
	return true;
}

/* "22", "8000-8010" at the front. */
static bool take_ports(struct slice *text, struct port_use *use)
{
	if (!take_number(text, &use->first))
		return false;
	use->last = use->first;
	return !take(text, "-") || (take_number(text, &use->last) && use->last > use->first);
}

/* The next word of @text, without the blank before it. False at the end. */
static bool take_word(struct slice *text, struct slice *ret_word)
{
	const char *blank;

	take(text, " ");
	if (!text->length)
		return false;
	blank = memchr(text->text, ' ', text->length);
	ret_word->text = text->text;
	ret_word->length = blank ? blank - text->text : text->length;
	*text = (struct slice){ text->text + ret_word->length, text->length - ret_word->length };
	return true;
}

/* Whether the first words are the same; where one ends before, both must. */
static bool begins_alike(struct slice left, struct slice right)
{
	for (unsigned int i = 0; i < FIRST_WORDS; i++) {
		struct slice a, b;
		bool any = take_word(&left, &a);

		if (take_word(&right, &b) != any || (any && !slices_equal(a, b)))
			return false;
	}
	return true;
}

/* Whether @item is how we speak of @use on @transports. */
static bool is_told(const struct comment_facts *facts, struct slice item, struct port_use use,
		    uint8_t transports)
{
	use.transports = transports;
	for (enum detail detail = DETAIL_FULL; detail <= DETAIL_NUMBER; detail++) {
		struct words words;
		struct slice told;
		const char *end;

		words_init(&words, WORDS_MAX);
		describe_ports(&words, facts, &use, detail);
		told = (struct slice){ words.text, words.length };
		end = memmem(told.text, told.length, "; ", 2);
		if (end)
			told.length = end - told.text;
		if (begins_alike(item, told))
			return true;
	}
	return false;
}

/* The ports of an item that begins with the name of a span: "Citrix Framehawk 3224-3324". */
static bool find_span(const struct comment_facts *facts, struct slice item, struct port_use *use)
{
	const struct span_list *spans = &facts->knowledge->spans;

	for (size_t i = 0; i < spans->count; i++) {
		char ports[16];
		size_t length = snprintf(ports, sizeof(ports), " %u-%u", spans->spans[i].first,
					 spans->spans[i].last);

		use->first = spans->spans[i].first;
		use->last = spans->spans[i].last;
		if (memmem(item.text, item.length, ports, length) &&
		    is_told(facts, item, *use, 1u << spans->spans[i].transport))
			return true;
	}
	return false;
}

static bool is_ports(const struct comment_facts *facts, struct slice item)
{
	struct port_use use = { 0 };
	struct slice rest = item;

	if (!take_ports(&rest, &use))
		return find_span(facts, item, &use);
	for (unsigned int transports = 0; transports < 1u << TRANSPORT_COUNT; transports++)
		if (is_told(facts, item, use, transports))
			return true;
	return false;
}

/* "22 ssh, 80 http" behind "all but ". */
static bool is_exception(const struct comment_facts *facts, struct slice item)
{
	static const char separator[] = ", ";
	size_t at = 0;

	/* Names of one port may hold commas: the longest item that is one. */
	for (size_t end = item.length; end > at; end--) {
		struct slice first = { item.text, end };
		struct slice rest = { item.text + end, item.length - end };

		if (rest.length && !take(&rest, separator))
			continue;
		if (is_ports(facts, first) && (!rest.length || is_digit(rest.text[0]) ||
					       find_span(facts, rest, &(struct port_use){ 0 })))
			return true;
	}
	return false;
}

static bool is_port_item(const struct comment_facts *facts, struct slice item)
{
	(void)(take(&item, "from ") || take(&item, "to "));
	return take(&item, "all but ") ? is_exception(facts, item) : is_ports(facts, item);
}

/* What follows a port: its companion, its span, how many there are besides. */
static bool is_other_item(struct slice item)
{
	static const char *const numbered[] = { "pair ", "TLS pair ", "covers ", "+" };
	uint16_t number;

	for (size_t i = 0; i < sizeof(numbered) / sizeof(numbered[0]); i++)
		if (take(&item, numbered[i]))
			return take_number(&item, &number);
	return take(&item, "in ") && memchr(item.text, '-', item.length);
}

static struct slice take_item(struct slice *text)
{
	const char *separator = memmem(text->text, text->length, "; ", 2);
	struct slice item = *text;

	if (!separator) {
		*text = (struct slice){ text->text + text->length, 0 };
		return item;
	}
	item.length = separator - text->text;
	*text = (struct slice){ separator + 2, text->length - item.length - 2 };
	return item;
}

bool comment_is_ours(const struct comment_facts *facts, struct slice text)
{
	text.length -= nft_comment_counts(text).length;
	if (!take(&text, NFT_COMMENT_PREFIX) || !is_port_item(facts, take_item(&text)))
		return false;
	while (text.length) {
		struct slice item = take_item(&text);

		if (!is_other_item(item) && !is_port_item(facts, item))
			return false;
	}
	return true;
}
