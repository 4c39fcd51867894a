/*
 * Which registry is in use: the table that ships, or the one that `portscribe
 * registry import` has stored.
 */
#ifndef PORTSCRIBE_STORE_H
#define PORTSCRIBE_STORE_H

#include <stddef.h>

#include "registry/registry.h"
#include "util/fault.h"
#include "util/file.h"

#define STORE_DIRECTORY "/var/lib/portscribe"
#define STORE_NAME	"services.tsv"
#define STORE_PATH	STORE_DIRECTORY "/" STORE_NAME
#define STORE_SIZE_MAX	(16u << 20) /* of official files, too; the table is 0.7 MB */

/*
 * The registry in use, never NULL; it lives until the program ends, and later
 * calls return the same. The imported one where there is one: a file of at most
 * STORE_SIZE_MAX that root alone can have written, see file_read_trusted(), and
 * that registry_parse() takes. Else registry_builtin(). Where there is an imported
 * one that cannot be used, @fault (may be NULL) says why, and where; it is empty
 * otherwise. A command then says so, and ends with EXIT_INCOMPLETE.
 */
const struct registry *registry_load(struct fault *fault);

/* Whether @registry, from registry_load(), is an imported one. */
bool registry_is_imported(const struct registry *registry);

/* Make and lock the store, as file_lock(). Before registry_load(), to replace what it gives. */
int store_lock(struct file_lock *ret_lock, struct fault *fault);

/*
 * Store a table for the next registry_load(), as file_replace(); @keep_previous:
 * the one that is there is good. -EFBIG where it could not be read again.
 */
int store_write(const struct file_lock *lock, const char *text, size_t length, bool keep_previous,
		struct fault *fault);

#endif
