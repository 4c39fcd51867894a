/*
 * Rules, listeners, traffic and knowledge held against each other: what a person
 * should look at, each with its evidence and what to do. Pure: facts in, findings
 * out.
 */
#ifndef PORTSCRIBE_AUDIT_H
#define PORTSCRIBE_AUDIT_H

#include <jansson.h>
#include <stdio.h>

#include "audit/survey.h"
#include "listeners/rows.h"
#include "net/devices.h"
#include "nft/live/listed.h"
#include "rules/rules.h"
#include "snapshot.h"

/* Codes are part of the interface: their words never change their meaning. */
enum finding_code {
	FINDING_OPEN_UNSERVED, /* a rule lets a port in, and nobody listens */
	FINDING_EXPOSED,       /* anybody reaches what should be for few, or for this host */
	FINDING_PLAINTEXT,     /* anybody reaches it, and the same runs with TLS */
	FINDING_SHUT_OUT,      /* a listener that no rule lets in */
	FINDING_ONE_FAMILY,    /* open over IPv4 and closed over IPv6, or the reverse */
	FINDING_DEAD,	       /* a rule or a listener on a port of dead software */
	FINDING_PROBED,	       /* attempts at ports that nobody serves */
	FINDING_PUBLISHED,     /* sent on to a container, although input drops the port */
	FINDING_NEVER_REACHED, /* a rule that an earlier one always decides before */
	FINDING_CODES,
};

enum finding_severity { SEVERITY_INFO, SEVERITY_WARNING, SEVERITY_CRITICAL, SEVERITIES };

/* Texts hold foreign bytes; NULL where there is nothing to say. */
struct finding {
	enum finding_code code;
	enum finding_severity severity;
	uint8_t transports; /* SERVICE_TCP | ... */
	uint16_t first, last;
	char *rule;	/* owned: "inet filter input, handle 41: tcp dport 22 accept" */
	char *listener; /* owned: "sshd (812, ssh.service) at 10.0.0.1" */
	char *evidence; /* owned; sentences */
	char *advice;	/* owned */
};

struct findings {
	struct finding *list; /* owned; the most severe first, then by code and port */
	size_t count, capacity;
	size_t untold; /* ports of which something cannot be told, and nothing is said */
	bool failed;   /* there was no memory */
};

struct audit_facts {
	const struct knowledge *knowledge;
	const struct live_view *view;
	const struct listed_rules *listed;
	const struct rules *rules; /* of the view's text */
	const struct host *host;
	const struct beside *beside;
	const struct listener_rows *listeners; /* of this network namespace, all of them */
	const struct snapshot *traffic;	       /* NULL: nothing is counted here */
	const struct device_list *devices;     /* those that counting is for are chosen */
	bool forwards;
};

/* All findings. 0 or -ENOMEM. Release with findings_release(), also after -ENOMEM. */
int audit_run(const struct audit_facts *facts, struct findings *ret_findings);
void findings_release(struct findings *findings);
void finding_release(struct finding *finding);

/* "open-unserved", "exposed" ... */
const char *finding_code_word(enum finding_code code);
/* "info", "warning", "critical". */
const char *finding_severity_word(enum finding_severity severity);
/* -EINVAL where @word is none. */
int finding_severity_parse(const char *word, enum finding_severity *ret_severity);

/* A block of lines for each. */
void findings_print(FILE *out, const struct findings *findings, bool colour);

/* "findings" of portscribe.audit.v1; a new reference. NULL: no memory. */
json_t *findings_json(const struct findings *findings);

#endif
