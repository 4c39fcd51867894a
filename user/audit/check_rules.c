/*
 * Rules held against listeners and knowledge: what is let in that nobody serves, and
 * what is let in for software that is gone.
 */
#include "audit/checks.h"

/* The rule lets new connections to this port in, over one family at least. */
static bool lets_in(const struct audit *audit, const struct kernel_rule *rule,
		    enum transport transport, uint16_t port, bool *ret_unknown)
{
	bool found = false;

	for (enum survey_family family = SURVEY_IPV4; family < SURVEY_FAMILIES; family++) {
		const struct survey_port *survey =
			survey_port(audit->survey, family, transport, port);

		*ret_unknown |= survey->unknown;
		found |= survey->open;
	}
	return found && survey_lets_in(audit->survey, rule);
}

/* Somebody takes what comes for the port, or for the one it is translated to. */
static bool is_served(const struct audit *audit, enum transport transport, uint16_t port)
{
	if (port_set_holds(&audit->listening, transport, port))
		return true;
	for (enum survey_family family = SURVEY_IPV4; family < SURVEY_FAMILIES; family++) {
		const struct survey_port *survey =
			survey_port(audit->survey, family, transport, port);

		if (survey->has_target &&
		    port_set_holds(&audit->listening, transport, survey->target))
			return true;
	}
	return false;
}

/*
 * Where no socket listens and yet somebody takes the packets: DHCP clients read them
 * raw, and who traces a route wants an answer from a closed port.
 */
static bool needs_no_socket(enum transport transport, uint16_t first, uint16_t last)
{
	if (transport != TRANSPORT_UDP)
		return false;
	return (first == last && (first == 68 || first == 546)) ||
	       (first >= 33434 && last <= 33534);
}

struct use_look {
	uint8_t open;	/* transports that the rule lets in */
	uint8_t served; /* of those, on which somebody listens */
	bool unknown;
};

static struct use_look look_at(const struct audit *audit, const struct port_use *use,
			       const struct kernel_rule *rule)
{
	uint8_t transports = use->transports ? use->transports : SERVICE_TCP | SERVICE_UDP;
	struct use_look look = { 0 };

	for (enum transport t = 0; t < TRANSPORT_COUNT; t++) {
		if (!(transports & 1u << t) || needs_no_socket(t, use->first, use->last))
			continue;
		for (uint32_t port = use->first; port <= use->last; port++) {
			if (!lets_in(audit, rule, t, port, &look.unknown))
				continue;
			look.open |= 1u << t;
			if (is_served(audit, t, port))
				look.served |= 1u << t;
		}
	}
	return look;
}

/* One that takes the ports from this host alone; NULL. */
static const struct listener *find_local(const struct audit *audit, const struct port_use *use,
					 uint8_t transports)
{
	const struct listener_rows *rows = audit->facts->listeners;

	for (size_t i = 0; i < rows->count; i++) {
		const struct listener *listener = rows->items[i].listener;

		if (listener->scope == LISTENER_LOOPBACK &&
		    transports & 1u << listener->transport && listener->port >= use->first &&
		    listener->port <= use->last)
			return listener;
	}
	return NULL;
}

static void say_nobody(struct audit *audit, struct finding *finding, const struct port_use *use)
{
	const struct listener *local = find_local(audit, use, finding->transports);

	finding_say(audit, &finding->evidence, "The rule lets %s in, and nobody listens%s",
		    use->first == use->last ? "it" : "them",
		    use->first == use->last ? "" : " on any of them");
	if (local) {
		finding_say(audit, &finding->evidence, " but for this host alone: ");
		finding_say_listener(audit, &finding->evidence, local);
	}
	finding_say(audit, &finding->evidence, ". ");
}

static void check_unserved(struct audit *audit, const struct rules_item *item,
			   const struct kernel_rule *rule, const struct port_use *use,
			   uint8_t transports)
{
	struct finding *finding = finding_add(audit, FINDING_OPEN_UNSERVED, SEVERITY_WARNING,
					      transports, use->first, use->last);

	if (!finding)
		return;
	finding_say_item(audit, &finding->rule, item, rule);
	say_nobody(audit, finding, use);
	finding_say_traffic(audit, &finding->evidence, transports, use->first, use->last);
	if (item->has_counter && !item->counter_name.length)
		finding_say(audit, &finding->evidence, " The rule's own counter has %llu packets.",
			    (unsigned long long)item->packets);
	finding_say(audit, &finding->advice,
		    "Take the rule out, or start what should listen there.");
}

static void check_dead_rule(struct audit *audit, const struct rules_item *item,
			    const struct kernel_rule *rule, const struct port_use *use,
			    uint8_t transports)
{
	const struct overlay *dead = NULL;
	struct finding *finding;

	for (enum transport t = 0; t < TRANSPORT_COUNT && !dead; t++)
		if (transports & 1u << t)
			dead = audit_dead(audit, t, use->first);
	if (!dead)
		return;
	finding = finding_add(audit, FINDING_DEAD, SEVERITY_WARNING, transports, use->first,
			      use->last);
	if (!finding)
		return;
	finding_say_item(audit, &finding->rule, item, rule);
	finding_say(audit, &finding->evidence,
		    "The rule lets in what is registered for %.*s, which is gone. ",
		    SLICE_ARGS(dead->label));
	finding_say_traffic(audit, &finding->evidence, transports, use->first, use->last);
	finding_say(audit, &finding->advice, "Take the rule out, or say in its comment what for.");
}

static void check_use(struct audit *audit, const struct rules_item *item,
		      const struct kernel_rule *rule, const struct port_use *use)
{
	struct use_look look;

	if (use->role != PORT_DESTINATION || use->negated)
		return;
	look = look_at(audit, use, rule);
	if (look.unknown) {
		audit->findings->untold++;
		return;
	}
	if (look.open && !look.served)
		check_unserved(audit, item, rule, use, look.open);
	if (look.open && use->first == use->last)
		check_dead_rule(audit, item, rule, use, look.open);
}

void check_rules(struct audit *audit)
{
	const struct rules *rules = audit->facts->rules;

	for (size_t i = 0; i < rules->count; i++) {
		const struct rules_item *item = &rules->items[i];
		const struct kernel_rule *rule =
			item->set.length ? NULL
					 : listed_rule_find(audit->facts->listed, item->start);

		for (size_t k = 0; rule && k < item->use_count; k++)
			check_use(audit, item, rule, &rules->uses[item->first_use + k]);
	}
}
