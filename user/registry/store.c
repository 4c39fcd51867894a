/* See store.h. */
#include <errno.h>
#include <stdlib.h>

#include "registry/store.h"
#include "util/cleanup.h"

static int load(const char *path, const struct registry **ret_registry, struct fault *fault)
{
	_cleanup_free_ char *text = NULL;
	struct registry *registry;
	unsigned int line = 0, column = 0;
	size_t length;
	int error = file_read_trusted(path, STORE_SIZE_MAX, 0, &text, &length, fault);

	if (error)
		return error;
	error = registry_parse(text, length, &registry, &line, &column);
	if (error == -EINVAL)
		return fault_set(fault, error,
				 "%s:%u:%u: not a table of services; import the official file "
				 "again, or remove it",
				 path, line, column);
	if (error)
		return fault_set(fault, error, "cannot read '%s': out of memory", path);
	/* Its rows point into the text. */
	(void)TAKE_PTR(text);
	*ret_registry = registry;
	return 0;
}

const struct registry *registry_load(struct fault *fault)
{
	static const struct registry *loaded;
	static struct fault trouble;
	int error;

	if (!loaded) {
		error = load(STORE_PATH, &loaded, &trouble);
		if (error)
			loaded = registry_builtin();
		if (error == -ENOENT)
			trouble.text[0] = '\0';
	}
	if (fault)
		*fault = trouble;
	return loaded;
}

bool registry_is_imported(const struct registry *registry)
{
	return registry != registry_builtin();
}

int store_lock(struct file_lock *ret_lock, struct fault *fault)
{
	return file_lock(STORE_DIRECTORY, ret_lock, fault);
}

int store_write(const struct file_lock *lock, const char *text, size_t length, bool keep_previous,
		struct fault *fault)
{
	if (length > STORE_SIZE_MAX)
		return fault_set(fault, -EFBIG, "the table would be larger than %u MiB",
				 STORE_SIZE_MAX >> 20);
	return file_replace(lock, STORE_NAME, text, length, 0644, keep_previous, fault);
}
