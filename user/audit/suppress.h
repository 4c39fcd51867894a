/*
 * What an administrator has looked at and accepts: findings that are not to be told
 * again, each with a reason. A line each:
 *
 *	CODE  WHAT  REASON...
 *	open-unserved  8443/tcp  started by hand for the yearly inventory
 *
 * WHAT is as on the command line (a port, transport/port, name, span, range), or *.
 */
#ifndef PORTSCRIBE_AUDIT_SUPPRESS_H
#define PORTSCRIBE_AUDIT_SUPPRESS_H

#include "audit/audit.h"

#define SUPPRESS_PATH "/etc/portscribe/audit.accept"

struct suppressions;
struct table_error; /* registry/table.h */

/*
 * Understand @length bytes of @text, which are copied. -EINVAL with line, column and
 * reason in @ret_error; -ENOMEM.
 */
int suppressions_parse(const char *text, size_t length, const struct knowledge *knowledge,
		       struct suppressions **ret_list, struct table_error *ret_error);

/*
 * The same of the file @path, which nobody but root and we may write. @fault names
 * file, line and column. -ENOENT where there is none.
 */
int suppressions_read(const char *path, const struct knowledge *knowledge,
		      struct suppressions **ret_list, struct fault *fault);
void suppressions_free(struct suppressions *list);

/* Take the findings out that are accepted. Returns how many. */
size_t suppressions_apply(const struct suppressions *list, struct findings *findings);

#endif
