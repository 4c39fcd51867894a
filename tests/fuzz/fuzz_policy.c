/*
 * The policy of what may listen. What is understood is understood again rule by rule,
 * and allows the same; what is refused has a place and a reason. And what is written
 * for a listener, whatever its program, unit and container call themselves, is
 * understood, allows that listener, and holds no byte that is no text. The first byte
 * picks between the two.
 *
 * Seeds: tests/data/listeners conf
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "listeners/policy.h"
#include "registry/table.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int holds)
{
	if (!holds)
		abort();
}

static const struct span spans[] = {
	{ "ephemeral", 32768, 60999, TRANSPORT_TCP, "", "" },
	{ "ephemeral", 32768, 60999, TRANSPORT_UDP, "", "" },
	{ "framehawk", 3224, 3324, TRANSPORT_UDP, "", "" },
};
static const struct span_list span_list = { (struct span *)spans, 3 };

static const struct {
	uint8_t transport, family;
	const char *address;
	uint16_t port;
} places[] = {
	{ TRANSPORT_TCP, AF_INET, "0.0.0.0", 22 },
	{ TRANSPORT_TCP, AF_INET6, "::", 53 },
	{ TRANSPORT_UDP, AF_INET, "10.1.2.3", 53 },
	{ TRANSPORT_UDP, AF_INET6, "::ffff:10.1.2.3", 3300 },
	{ TRANSPORT_TCP, AF_INET6, "2001:db8::1", 5432 },
	{ TRANSPORT_UDP, AF_INET6, "fe80::1", 40000 },
	{ TRANSPORT_SCTP, AF_INET6, "::1", 36412 },
};

#define PLACES (sizeof(places) / sizeof(places[0]))

static struct listener make_listener(size_t place, const struct listener_owner **owners)
{
	struct listener listener = {
		.transport = places[place].transport,
		.family = places[place].family,
		.port = places[place].port,
		.scope = LISTENER_ADDRESS,
		.known = OWNERS_KNOWN,
		.interface = place & 1 ? "eth0" : "",
		.ifindex = place & 1,
		.kernel = "",
		.owners = owners,
		.owner_count = 1,
	};

	inet_pton(listener.family, places[place].address, listener.address.bytes);
	if (!strcmp(places[place].address, "::") || !strcmp(places[place].address, "0.0.0.0"))
		listener.scope = LISTENER_ALL;
	if (!strcmp(places[place].address, "::1"))
		listener.scope = LISTENER_LOOPBACK;
	return listener;
}

/* ---- reading ---- */

/* Of a rule by itself: the same text means the same. */
static void check_rule(const struct policy_rule *rule, const struct listener_owner *owner)
{
	struct slice text = policy_rule_text(rule);
	const struct listener_owner *owners[] = { owner };
	const struct policy_rule *again;
	struct policy *alone;

	check(text.length > 0);
	check(policy_parse(text.text, text.length, &span_list, &alone, NULL) == 0);
	again = policy_next(alone, NULL);
	check(again && !policy_next(alone, again));
	check(policy_rule_line(again) == 1);
	check(policy_rule_is_ephemeral(again) == policy_rule_is_ephemeral(rule));
	for (size_t i = 0; i < PLACES; i++) {
		struct listener listener = make_listener(i, owners);

		check(policy_rule_is_for(rule, &listener) == policy_rule_is_for(again, &listener));
		if (policy_match(alone, &listener))
			check(policy_might_match(alone, &listener));
	}
	policy_free(alone);
}

static void fuzz_reading(const char *text, size_t length)
{
	struct listener_owner owner = { .name = "sshd",
					.exe = "/usr/sbin/sshd",
					.cmdline = "",
					.unit = "ssh.service",
					.container = "web1",
					.container_kind = CONTAINER_DOCKER };
	const struct policy_rule *rule = NULL;
	struct table_error place = { 0 };
	struct policy *policy = NULL;
	unsigned int line = 0;
	int error = policy_parse(text, length, &span_list, &policy, &place);

	if (error) {
		check(error == -EINVAL && !policy);
		check(place.line >= 1 && place.column >= 1 && place.reason);
		return;
	}
	while ((rule = policy_next(policy, rule))) {
		check(policy_rule_line(rule) > line);
		line = policy_rule_line(rule);
		check_rule(rule, &owner);
	}
	policy_free(policy);
}

/* ---- writing ---- */

/* The next text of the input, up to a NUL; "" behind the last. */
static const char *next_text(const char **at, const char *end)
{
	const char *text = *at;
	const char *stop = text < end ? memchr(text, '\0', end - text) : NULL;

	*at = stop ? stop + 1 : end;
	return stop ? text : "";
}

static void check_text(const char *text, size_t size)
{
	for (size_t i = 0; i < size; i++)
		check(text[i] == '\n' || ((unsigned char)text[i] >= ' ' && text[i] != 0x7f));
}

static void fuzz_writing(const char *text, size_t length)
{
	const char *at = text + 1, *end = text + length;
	struct listener_owner owner = { .name = "x", .cmdline = "" };
	const struct listener_owner *owners[] = { &owner };
	struct knowledge knowledge = { .registry = registry_builtin(), .spans = span_list };
	struct listener listener;
	struct listeners listeners = { .items = &listener, .count = 1 };
	struct policy *policy;
	char *written = NULL;
	size_t size, unknown;
	FILE *out = open_memstream(&written, &size);

	check(length > 0 && out != NULL);
	listener = make_listener((uint8_t)text[0] % PLACES, owners);
	owner.exe = next_text(&at, end);
	owner.unit = next_text(&at, end);
	owner.container = next_text(&at, end);
	owner.container_kind = (uint8_t)text[0] / PLACES % CONTAINER_KINDS;
	owner.container_named = owner.container[0];
	owner.exe_foreign = text[0] & 1;
	if (owner.exe[0] && owner.exe[0] != '/')
		owner.exe = "";
	check(policy_write(out, &listeners, &knowledge, &unknown) == 0);
	fclose(out);
	check_text(written, size);
	check(policy_parse(written, size, &span_list, &policy, NULL) == 0);
	if (!unknown)
		check(policy_match(policy, &listener) != NULL);
	policy_free(policy);
	free(written);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text;

	if (size < 2)
		return 0;
	/* An allocation of its own, so that reading too far is noticed. */
	text = malloc(size - 1);
	memcpy(text, data + 1, size - 1);
	if (data[0] & 1)
		fuzz_writing(text, size - 1);
	else
		fuzz_reading(text, size - 1);
	free(text);
	return 0;
}
