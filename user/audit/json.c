/* See audit.h. */
#include <string.h>

#include "audit/audit.h"
#include "render/json.h"

static json_t *text_json(const char *text)
{
	return text ? json_foreign(text, strlen(text)) : json_null();
}

/* "port": a number, or "3224-3324"; null where it is about all of them. */
static json_t *port_json(const struct finding *finding)
{
	if (finding->code == FINDING_PROBED)
		return json_null();
	if (finding->first == finding->last)
		return json_integer(finding->first);
	return json_sprintf("%u-%u", finding->first, finding->last);
}

static json_t *transport_json(const struct finding *finding)
{
	char text[32];

	if (!finding->transports)
		return json_null();
	return json_string(transports_text(text, sizeof(text), finding->transports));
}

static json_t *finding_json(const struct finding *finding)
{
	return json_pack("{s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o}", "code",
			 finding_code_word(finding->code), "severity",
			 finding_severity_word(finding->severity), "transport",
			 transport_json(finding), "port", port_json(finding), "rule",
			 text_json(finding->rule), "listener", text_json(finding->listener),
			 "evidence", text_json(finding->evidence), "advice",
			 text_json(finding->advice));
}

json_t *findings_json(const struct findings *findings)
{
	json_t *list = json_array();

	for (size_t i = 0; i < findings->count; i++)
		if (json_array_append_new(list, finding_json(&findings->list[i]))) {
			json_decref(list);
			return NULL;
		}
	return list;
}
