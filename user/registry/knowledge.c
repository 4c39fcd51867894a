/* See knowledge.h. */
#include "registry/knowledge.h"

#include <string.h>
#include <strings.h>

int knowledge_builtin(struct knowledge *ret_knowledge)
{
	struct knowledge knowledge = { .registry = registry_builtin() };
	int err = overlay_list_builtin(&knowledge.overlays);

	if (!err)
		err = overlay_list_spans(&knowledge.overlays, &knowledge.spans);
	if (!err)
		err = companion_list_builtin(&knowledge.companions);
	if (err) {
		knowledge_release(&knowledge);
		return err;
	}
	*ret_knowledge = knowledge;
	return 0;
}

void knowledge_release(struct knowledge *knowledge)
{
	overlay_list_release(&knowledge->overlays);
	span_list_release(&knowledge->spans);
	companion_list_release(&knowledge->companions);
}

const struct overlay *knowledge_practice(const struct knowledge *knowledge, uint8_t transports,
					 uint16_t port, unsigned int kinds)
{
	const struct overlay *overlay = NULL, *history = NULL;

	while ((overlay = overlay_next_by_port(&knowledge->overlays, port, overlay))) {
		if (!(kinds >> overlay->kind & 1) || !(overlay->transports & transports))
			continue;
		if (!overlay_is_history(overlay))
			return overlay;
		if (!history)
			history = overlay;
	}
	return knowledge_name(knowledge, transports, port).length ? NULL : history;
}

struct slice knowledge_name(const struct knowledge *knowledge, uint8_t transports, uint16_t port)
{
	struct slice name = { "", 0 };

	for (int transport = 0; transport < TRANSPORT_COUNT && !name.length; transport++)
		if (transports >> transport & 1)
			name = registry_name(knowledge->registry, transport, port);
	return name;
}

const char *practice_lead(const struct overlay *overlay)
{
	if (overlay->registered)
		return "";
	return overlay_is_history(overlay) ? "once " : "in practice ";
}

const char *practice_note(const struct overlay *overlay)
{
	switch (overlay->kind) {
	case OVERLAY_LEGACY: return ", likely legacy";
	case OVERLAY_DEAD: return ", dead";
	default: return "";
	}
}

/* Whether each port of @row that has a name in @shipped has it in @registry, too. */
static bool same_names(const struct overlay *row, const struct registry *registry,
		       const struct registry *shipped)
{
	for (unsigned int port = row->first; port <= row->last; port++)
		for (int transport = 0; transport < TRANSPORT_COUNT; transport++) {
			struct slice name = registry_name(shipped, transport, port);

			if (row->transports >> transport & 1 && name.length &&
			    !slice_same_name(registry_name(registry, transport, port), name))
				return false;
		}
	return true;
}

void knowledge_settle(struct knowledge *knowledge, const struct registry *shipped)
{
	for (size_t i = 0; i < knowledge->overlays.count; i++) {
		struct overlay *row = &knowledge->overlays.rows[i];

		if (row->local)
			continue;
		if (row->registered)
			row->registered = same_names(row, knowledge->registry, shipped);
		else if (row->kind != OVERLAY_SPAN)
			row->registered = slice_same_name(
				knowledge_name(knowledge, row->transports, row->first), row->name);
	}
}

static bool has_name(const struct registry *registry, uint16_t port, struct slice name)
{
	const struct service *service = NULL;

	while ((service = registry_next_by_port(registry, port, service)))
		if (service->name.length == name.length &&
		    !strncasecmp(service->name.text, name.text, name.length))
			return true;
	return false;
}

bool knowledge_has_pair(const struct knowledge *knowledge, const struct companion *companion)
{
	return companion->rule == COMPANION_HAND ||
	       (has_name(knowledge->registry, companion->main, companion->main_name) &&
		has_name(knowledge->registry, companion->other, companion->other_name));
}
