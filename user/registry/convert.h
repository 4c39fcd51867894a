/*
 * From the records of the official file to the text of a services.tsv: the same
 * columns, order and merging as the table that ships. Pure.
 */
#ifndef PORTSCRIBE_CONVERT_H
#define PORTSCRIBE_CONVERT_H

#include <stddef.h>
#include <time.h>

#include "registry/official.h"
#include "registry/registry.h"
#include "util/fault.h"

/* A table of more bytes than a registry can have: ranges repeat their text when cut. */
#define CONVERT_SIZE_MAX (16u << 20)

/* What the head of the table says of where it comes from. */
struct convert_source {
	const char *file;   /* its name, without directories; foreign text */
	const char *sha256; /* of its bytes, in hexadecimal */
	time_t imported;
};

/*
 * Write @official as a table into *ret_text, owned by the caller and NUL-terminated
 * behind its *ret_length bytes; registry_parse() takes it. Names that a port had in
 * @in_use, or had before, and has no more, become its former ones. -EINVAL, with a
 * sentence in @fault, where a port has more services than any port has; -EFBIG, -ENOMEM.
 */
int registry_convert(const struct official *official, const struct registry *in_use,
		     const struct convert_source *source, char **ret_text, size_t *ret_length,
		     struct fault *fault);

#endif
