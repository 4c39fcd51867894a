/*
 * What may listen: the administrator's allow-list, a rule a line, by what survives
 * a restart and an upgrade (transport, ports, scope, executable or unit), not by
 * pid. Reading text, matching, and writing rules for what is there. Pure, but for
 * policy_read().
 *
 *   # transport  ports      reach      who                          # comment
 *   tcp          22         all        /usr/sbin/sshd               # ssh
 *   tcp          8000-8010  loopback   "/opt/my app/bin/server"
 *   tcp          5432       10.0.0.0/8 unit:postgresql@*.service
 *   udp          ephemeral  all        *                            # clients
 *
 * transport: tcp, udp, sctp, several joined by commas. ports: a port, a range, a
 * span, or ephemeral. reach: all, loopback, an address or a prefix, and behind '%'
 * the interface it must be bound to; what can be reached by less is allowed too. who,
 * several must hold together: a path, with the wildcards of glob(7), of a file that
 * is this host's own; unit:NAME; container:KIND or container:KIND/NAME; kernel; or *
 * for anybody. A word with blanks stands in quotes, where \" \\ and \xNN are bytes.
 */
#ifndef PORTSCRIBE_POLICY_H
#define PORTSCRIBE_POLICY_H

#include <stdio.h>

#include "listeners/listener.h"
#include "registry/knowledge.h"

#define POLICY_PATH	"/etc/portscribe/listeners.conf"
#define POLICY_SIZE_MAX (4u << 20)

struct table_error; /* registry/table.h */

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
 * Whether every owner of @listener that is known has a rule that allows it there;
 * where none is known, whether a rule allows anybody, or, for a socket of the
 * kernel's, the kernel. The rule for its first owner, or NULL.
 */
const struct policy_rule *policy_match(const struct policy *policy,
				       const struct listener *listener);

/*
 * Whether a rule allows it but for its owners. For a listener whose owners, or their
 * executables, could not be read, this tells "cannot say" from "not allowed".
 */
bool policy_might_match(const struct policy *policy, const struct listener *listener);

/* Line of its file, from 1 on. */
unsigned int policy_rule_line(const struct policy_rule *rule);

/* Its text as written, without comment and blanks around; lives as long as the policy. */
struct slice policy_rule_text(const struct policy_rule *rule);

/* It is for clients' ports of the ephemeral range, which come and go. */
bool policy_rule_is_ephemeral(const struct policy_rule *rule);

/* Whether it allows @listener, held by at least one of its owners. */
bool policy_rule_is_for(const struct policy_rule *rule, const struct listener *listener);

/* Rules in the order of the file; start with @after NULL; NULL ends. */
const struct policy_rule *policy_next(const struct policy *policy, const struct policy_rule *after);

/*
 * Write a policy that allows what @listeners has, each rule once, with the ports'
 * names as comments; ports of @spans' "ephemeral" that are UDP as that span. What
 * cannot be said because an owner is unreadable becomes a comment, and is counted in
 * *ret_unknown. 0 or -ENOMEM.
 */
int policy_write(FILE *out, const struct listeners *listeners, const struct knowledge *knowledge,
		 size_t *ret_unknown);

#endif
