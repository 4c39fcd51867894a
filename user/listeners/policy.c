/* Whether a policy allows a listener. See policy.h. */
#include <fnmatch.h>
#include <string.h>
#include <sys/socket.h>

#include "listeners/policy_internal.h"

/* ---- one rule ---- */

static bool has_prefix(const uint8_t *address, const uint8_t *prefix, unsigned int bits)
{
	unsigned int bytes = bits / 8, rest = bits % 8;

	return !memcmp(address, prefix, bytes) &&
	       (!rest || !((address[bytes] ^ prefix[bytes]) >> (8 - rest)));
}

static bool is_reached(const struct policy_rule *rule, const struct listener *listener)
{
	const uint8_t *address;
	int family;

	if (rule->interface && strcmp(rule->interface, listener->interface))
		return false;
	if (rule->reach == REACH_ALL)
		return true;
	if (rule->reach == REACH_LOOPBACK)
		return listener->scope == LISTENER_LOOPBACK;
	address = listener_plain_address(listener, &family);
	if (family != rule->family)
		return false;
	if (listener->scope != LISTENER_ALL)
		return has_prefix(address, rule->prefix, rule->bits);
	/* "::" takes IPv4 too, unless it is told not to: that is more than ::/0. */
	return rule->bits == 0 && (family == AF_INET || listener->v6only);
}

static bool holds_place(const struct policy_rule *rule, const struct listener *listener)
{
	return rule->ports[listener->transport].holds &&
	       listener->port >= rule->ports[listener->transport].first &&
	       listener->port <= rule->ports[listener->transport].last &&
	       is_reached(rule, listener);
}

/* A wildcard stays within a part of a path. */
static bool is_called(const char *pattern, const char *name)
{
	return !fnmatch(pattern, name, FNM_PATHNAME);
}

static bool holds_owner(const struct policy_rule *rule, const struct listener_owner *owner)
{
	if (rule->anybody)
		return true;
	if (rule->kernel)
		return false;
	/* In a container its path means a file of the container's. */
	if (rule->exe && (!owner->exe[0] || !is_called(rule->exe, owner->exe) ||
			  (owner->exe_foreign && rule->container_kind == CONTAINER_NONE)))
		return false;
	if (rule->unit && !is_called(rule->unit, owner->unit))
		return false;
	if (rule->container_kind == CONTAINER_NONE)
		return true;
	return owner->container_kind == rule->container_kind &&
	       (!rule->container || is_called(rule->container, owner->container));
}

/* Where no owner is known. */
static bool holds_nobody(const struct policy_rule *rule, const struct listener *listener)
{
	return rule->anybody || (rule->kernel && listener->known == OWNERS_KERNEL);
}

/* ---- all rules ---- */

static const struct policy_rule *find(const struct policy *policy, const struct listener *listener,
				      const struct listener_owner *owner)
{
	for (size_t i = 0; i < policy->count; i++) {
		const struct policy_rule *rule = &policy->rules[i];

		if (holds_place(rule, listener) &&
		    (owner ? holds_owner(rule, owner) : holds_nobody(rule, listener)))
			return rule;
	}
	return NULL;
}

const struct policy_rule *policy_match(const struct policy *policy, const struct listener *listener)
{
	const struct policy_rule *first = NULL;

	if (!listener->owner_count)
		return find(policy, listener, NULL);
	for (size_t i = 0; i < listener->owner_count; i++) {
		const struct policy_rule *rule = find(policy, listener, listener->owners[i]);

		if (!rule)
			return NULL;
		if (!first)
			first = rule;
	}
	return first;
}

/* What could not be read may be what the rule wants. */
static bool might_hold(const struct policy_rule *rule, const struct listener_owner *owner)
{
	struct policy_rule lenient = *rule;

	if (!owner->exe[0])
		lenient.exe = NULL;
	return holds_owner(&lenient, owner);
}

static bool might_be_allowed(const struct policy *policy, const struct listener *listener,
			     const struct listener_owner *owner)
{
	for (size_t i = 0; i < policy->count; i++)
		if (holds_place(&policy->rules[i], listener) &&
		    (!owner || might_hold(&policy->rules[i], owner)))
			return true;
	return false;
}

bool policy_might_match(const struct policy *policy, const struct listener *listener)
{
	if (listener->known == OWNERS_KERNEL)
		return policy_match(policy, listener);
	if (!listener->owner_count)
		return might_be_allowed(policy, listener, NULL);
	for (size_t i = 0; i < listener->owner_count; i++)
		if (!might_be_allowed(policy, listener, listener->owners[i]))
			return false;
	return true;
}

unsigned int policy_rule_line(const struct policy_rule *rule)
{
	return rule->line;
}

struct slice policy_rule_text(const struct policy_rule *rule)
{
	return rule->text;
}

bool policy_rule_is_ephemeral(const struct policy_rule *rule)
{
	return rule->ephemeral;
}

bool policy_rule_is_for(const struct policy_rule *rule, const struct listener *listener)
{
	if (!holds_place(rule, listener))
		return false;
	for (size_t i = 0; i < listener->owner_count; i++)
		if (holds_owner(rule, listener->owners[i]))
			return true;
	return !listener->owner_count && holds_nobody(rule, listener);
}

const struct policy_rule *policy_next(const struct policy *policy, const struct policy_rule *after)
{
	const struct policy_rule *next = after ? after + 1 : policy->rules;

	return next && next < policy->rules + policy->count ? next : NULL;
}
