/*
 * What may listen: the administrator's allow-list, a rule a line, by what survives
 * a restart and an upgrade (transport, ports, scope, executable or unit), not by
 * pid. Reading text, matching, and writing rules for what is there. Pure.
 *
 *   # transport  ports      scope      who                     comment
 *   tcp          22         all        /usr/sbin/sshd          # ssh
 *   tcp          8000-8010  loopback   unit:web@*.service
 *   udp          ephemeral  all        *                       # clients
 */
#ifndef PORTSCRIBE_POLICY_H
#define PORTSCRIBE_POLICY_H

#include <stdio.h>

#include "listeners/listener.h"
#include "registry/spans.h"
#include "registry/table.h"

#define POLICY_PATH	"/etc/portscribe/listeners.conf"
#define POLICY_SIZE_MAX (4u << 20)

struct policy;
struct policy_rule;

/*
 * Understand @length bytes of @text, which are copied. @spans: those that rules may
 * name, "ephemeral" among them. -EINVAL with line, column and reason in
 * @ret_error; -ENOMEM.
 */
int policy_parse(const char *text, size_t length, const struct span_list *spans,
		 struct policy **ret_policy, struct table_error *ret_error);

/*
 * The same of the file @path, which nobody but root and we may write
 * (file_read_trusted()). @fault names file, line and column. -ENOENT where there
 * is none.
 */
int policy_read(const char *path, const struct span_list *spans, struct policy **ret_policy,
		struct fault *fault);

void policy_free(struct policy *policy);

/*
 * The first rule that allows @listener; NULL where none does. A rule that says who
 * allows it only if every owner that is known is of that kind, and none where no
 * owner is known.
 */
const struct policy_rule *policy_match(const struct policy *policy,
				       const struct listener *listener);

/* Line of its file, from 1 on. */
unsigned int policy_rule_line(const struct policy_rule *rule);

/* Its text as written, without comment and blanks around; lives as long as the policy. */
struct slice policy_rule_text(const struct policy_rule *rule);

/* Rules in the order of the file; start with @after NULL; NULL ends. */
const struct policy_rule *policy_next(const struct policy *policy, const struct policy_rule *after);

#endif
