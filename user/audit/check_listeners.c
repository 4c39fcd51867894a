/*
 * Listeners held against the ruleset: who is reached by anybody and should not be, who
 * is reached by nobody, and who is by one family alone.
 */
#include <string.h>

#include "audit/checks.h"
#include "listeners/admission.h"
#include "registry/companion.h"

static bool takes(const struct listener *listener, enum survey_family family)
{
	return listener_takes(listener, survey_family_number(family));
}

/* What the ruleset does with connections to it; NULL where none of that family come. */
static const struct survey_port *survey_of(const struct audit *audit, size_t place,
					   enum survey_family family)
{
	const struct listener *listener = audit->facts->listeners->items[place].listener;
	const struct survey_port *port;

	if (!takes(listener, family))
		return NULL;
	port = listener->scope == LISTENER_ALL
		       ? survey_port(audit->survey, family, listener->transport, listener->port)
		       : &audit->bound[place][family];
	return port->asked && !port->no_address ? port : NULL;
}

static void say_owner_and_rule(struct audit *audit, struct finding *finding,
			       const struct listener *listener, const struct reach_rule *rule)
{
	finding_say_listener(audit, &finding->listener, listener);
	if (rule->chain)
		finding_say_rule(audit, &finding->rule, rule);
}

/* ---- who should not be reached ---- */

static const char *const exposure_reasons[EXPOSURE_COUNT] = {
	[EXPOSURE_INTERNAL] = "is for own networks only",
	[EXPOSURE_LOCAL] = "is for this host only",
	[EXPOSURE_NEVER] = "is for nobody from outside",
};

/* How bad it is that any source reaches it; SEVERITIES: not at all. */
static enum finding_severity exposure_severity(enum exposure exposure, bool from_own_networks)
{
	if (exposure < EXPOSURE_INTERNAL)
		return SEVERITIES;
	if (exposure == EXPOSURE_INTERNAL)
		return from_own_networks ? SEVERITIES : SEVERITY_WARNING;
	return from_own_networks ? SEVERITY_WARNING : SEVERITY_CRITICAL;
}

static void check_exposed(struct audit *audit, const struct listener_row *row,
			  const struct survey_port *port, bool from_own_networks,
			  const char *families)
{
	const struct overlay *practice = row->opinion.practice;
	const struct listener *listener = row->listener;
	enum finding_severity severity =
		practice ? exposure_severity(practice->exposure, from_own_networks) : SEVERITIES;
	struct finding *finding;

	if (severity == SEVERITIES)
		return;
	finding = finding_add(audit, FINDING_EXPOSED, severity, 1u << listener->transport,
			      listener->port, listener->port);
	if (!finding)
		return;
	say_owner_and_rule(audit, finding, listener, &port->opens);
	finding_say(audit, &finding->evidence, "Anybody%s reaches it over %s, and %.*s %s: %.*s. ",
		    from_own_networks ? " in networks of private addresses" : "", families,
		    SLICE_ARGS(practice->label), exposure_reasons[practice->exposure],
		    SLICE_ARGS(practice->text));
	finding_say_traffic(audit, &finding->evidence, finding->transports, finding->first,
			    finding->last);
	finding_say(audit, &finding->advice,
		    practice->exposure == EXPOSURE_INTERNAL
			    ? "Let in those who need it by their addresses, or bind it to an "
			      "address of your own network."
			    : "Bind it to 127.0.0.1 or ::1, or drop it in the firewall.");
}

static bool listens_outside(const struct audit *audit, enum transport transport, uint16_t port)
{
	return port_set_holds(&audit->listening, transport, port);
}

static void check_plaintext(struct audit *audit, const struct listener_row *row,
			    const struct survey_port *port)
{
	const struct listener *listener = row->listener;
	const struct companion_list *list = &audit->facts->knowledge->companions;
	const struct companion *companion;
	struct finding *finding;

	for (size_t i = 0; (companion = companion_at(list, listener->port, i)); i++) {
		uint16_t other = companion_of(companion, listener->port);

		if (!slice_equals(companion->role, "TLS half") ||
		    companion->main != listener->port ||
		    !listens_outside(audit, listener->transport, other))
			continue;
		/* HTTP is there to lead on to HTTPS. */
		finding = finding_add(audit, FINDING_PLAINTEXT,
				      slice_equals(companion->main_name, "http") ? SEVERITY_INFO
										 : SEVERITY_WARNING,
				      1u << listener->transport, listener->port, listener->port);
		if (!finding)
			return;
		say_owner_and_rule(audit, finding, listener, &port->opens);
		finding_say(audit, &finding->evidence,
			    "Anybody reaches %.*s in plain text, and %u %.*s, the same with TLS, "
			    "runs here too. ",
			    SLICE_ARGS(companion->main_name), other,
			    SLICE_ARGS(companion->other_name));
		finding_say_traffic(audit, &finding->evidence, finding->transports, finding->first,
				    finding->last);
		finding_say(audit, &finding->advice,
			    "Close %u to the outside once nobody needs it, unless it only leads "
			    "on to TLS (STARTTLS, a redirect).",
			    listener->port);
		return;
	}
}

/* ---- who is not reached ---- */

static uint64_t attempts_at(const struct audit *audit, const struct listener *listener)
{
	const struct snapshot *traffic = audit->facts->traffic;

	return traffic && listener->transport == TRANSPORT_TCP && !traffic->answers[listener->port]
		       ? traffic->attempts[listener->port]
		       : 0;
}

static void check_shut_out(struct audit *audit, const struct listener_row *row,
			   const struct survey_port *const ports[SURVEY_FAMILIES])
{
	const struct listener *listener = row->listener;
	const struct reach_rule *closes = NULL;
	struct finding *finding;
	uint64_t attempts = attempts_at(audit, listener);

	for (enum survey_family family = SURVEY_IPV4; family <= SURVEY_IPV6; family++) {
		const struct survey_port *port = ports[family];

		if (!port)
			continue;
		/* What is sent on was let in: docker-proxy and its like listen beside it. */
		if (port->open || port->unknown || port->some_sent_on)
			return;
		if (!closes && port->closes.chain)
			closes = &port->closes;
	}
	/* Nothing can come by the way: that is no matter of rules. */
	if (!closes)
		return;
	finding = finding_add(audit, FINDING_SHUT_OUT, attempts ? SEVERITY_WARNING : SEVERITY_INFO,
			      1u << listener->transport, listener->port, listener->port);
	if (!finding)
		return;
	say_owner_and_rule(audit, finding, listener, closes);
	finding_say(audit, &finding->evidence, "No rule lets anybody in from outside. ");
	finding_say_traffic(audit, &finding->evidence, finding->transports, finding->first,
			    finding->last);
	finding_say(audit, &finding->advice,
		    "Is it needed? Then a rule is missing. Else stop it, or bind it to 127.0.0.1.");
}

/* ---- one family alone ---- */

/* Another listener there takes the other family. */
static bool taken_by_another(const struct audit *audit, const struct listener *listener,
			     enum survey_family family)
{
	const struct listener_rows *rows = audit->facts->listeners;

	for (size_t i = 0; i < rows->count; i++) {
		const struct listener *other = rows->items[i].listener;

		if (other != listener && other->transport == listener->transport &&
		    other->port == listener->port && other->scope == LISTENER_ALL &&
		    takes(other, family))
			return true;
	}
	return false;
}

static void check_one_family(struct audit *audit, const struct listener_row *row)
{
	const struct listener *listener = row->listener;
	const struct survey_port *v4, *v6, *open, *closed;
	struct finding *finding;

	if (listener->scope != LISTENER_ALL)
		return;
	v4 = survey_port(audit->survey, SURVEY_IPV4, listener->transport, listener->port);
	v6 = survey_port(audit->survey, SURVEY_IPV6, listener->transport, listener->port);
	if (v4->no_address || v6->no_address || v4->unknown || v6->unknown ||
	    v4->open == v6->open || v4->sent_on || v6->sent_on)
		return;
	/* Once for two sockets: at the first, which takes IPv4. */
	if (!takes(listener, SURVEY_IPV4) ||
	    (!takes(listener, SURVEY_IPV6) && !taken_by_another(audit, listener, SURVEY_IPV6)))
		return;
	open = v4->open ? v4 : v6;
	closed = v4->open ? v6 : v4;
	if (!closed->closes.chain)
		return;
	finding = finding_add(audit, FINDING_ONE_FAMILY, SEVERITY_WARNING,
			      1u << listener->transport, listener->port, listener->port);
	if (!finding)
		return;
	finding_say_listener(audit, &finding->listener, listener);
	finding_say_rule(audit, &finding->rule, &closed->closes);
	finding_say(audit, &finding->evidence, "Open over %s", survey_family_word(open == v6));
	if (open->opens.chain) {
		finding_say(audit, &finding->evidence, " (");
		finding_say_rule(audit, &finding->evidence, &open->opens);
		finding_say(audit, &finding->evidence, ")");
	}
	finding_say(audit, &finding->evidence, " and closed over %s (",
		    survey_family_word(closed == v6));
	finding_say_rule(audit, &finding->evidence, &closed->closes);
	finding_say(audit, &finding->evidence, ").");
	finding_say(audit, &finding->advice,
		    "Write the rule for both families (table inet, no ip saddr of one of them), or "
		    "bind the listener to the one that is meant.");
}

/* ---- all of it ---- */

static void check_dead_listener(struct audit *audit, const struct listener_row *row)
{
	const struct listener *listener = row->listener;
	const struct overlay *dead = audit_dead(audit, listener->transport, listener->port);
	struct finding *finding;

	if (!dead)
		return;
	finding = finding_add(audit, FINDING_DEAD, SEVERITY_WARNING, 1u << listener->transport,
			      listener->port, listener->port);
	if (!finding)
		return;
	finding_say_listener(audit, &finding->listener, listener);
	finding_say(audit, &finding->evidence,
		    "The port is registered for %.*s, which is gone: what listens is something "
		    "else. ",
		    SLICE_ARGS(dead->label));
	finding_say_traffic(audit, &finding->evidence, finding->transports, finding->first,
			    finding->last);
	finding_say(audit, &finding->advice,
		    "Find out what this program is and who started it; explain %u tells more.",
		    listener->port);
}

/* Several sockets of one program share an address and a port: one of them speaks for all. */
static bool is_another_worker(const struct listener_rows *rows, size_t place)
{
	const struct listener *listener = rows->items[place].listener, *before;
	char address[LISTENER_ADDRESS_MAX], address_before[LISTENER_ADDRESS_MAX];

	if (!place)
		return false;
	before = rows->items[place - 1].listener;
	return before->transport == listener->transport && before->port == listener->port &&
	       !strcmp(before->interface, listener->interface) &&
	       !strcmp(listener_address_text(before, address_before),
		       listener_address_text(listener, address)) &&
	       before->owner_count && listener->owner_count &&
	       !strcmp(before->owners[0]->name, listener->owners[0]->name);
}

static void check_listener(struct audit *audit, size_t place)
{
	const struct listener_row *row = &audit->facts->listeners->items[place];
	const struct survey_port *ports[SURVEY_FAMILIES] = { survey_of(audit, place, SURVEY_IPV4),
							     survey_of(audit, place, SURVEY_IPV6) };
	enum survey_family open[SURVEY_FAMILIES];
	bool own = listener_is_private(row->listener);
	size_t count = 0;

	if (is_another_worker(audit->facts->listeners, place))
		return;
	check_dead_listener(audit, row);
	if (row->listener->scope == LISTENER_LOOPBACK || row->opinion.verdict == VERDICT_EPHEMERAL)
		return;
	for (enum survey_family family = SURVEY_IPV4; family < SURVEY_FAMILIES; family++) {
		const struct survey_port *port = ports[family];

		if (port && port->unknown)
			audit->findings->untold++;
		else if (port && port->from_any)
			open[count++] = family;
	}
	if (count) {
		own |= !ports[open[0]]->from_public && !ports[open[count - 1]]->from_public;
		check_exposed(audit, row, ports[open[0]], own,
			      count > 1 ? "IPv4 and IPv6" : survey_family_word(open[0]));
		check_plaintext(audit, row, ports[open[0]]);
	}
	check_shut_out(audit, row, ports);
	check_one_family(audit, row);
}

void check_listeners(struct audit *audit)
{
	for (size_t i = 0; i < audit->facts->listeners->count; i++)
		check_listener(audit, i);
}
