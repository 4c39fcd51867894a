/*
 * Control groups as a process's /proc/PID/cgroup has them, which a container may name
 * as it likes: what is understood lies within the text, holds no '/' and goes together.
 *
 * Seeds: tests/data/listeners cgroup
 */
#include <stdlib.h>
#include <string.h>

#include "listeners/cgroup.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int holds)
{
	if (!holds)
		abort();
}

static void check_part(struct slice part, const char *text, size_t length)
{
	if (!part.length)
		return;
	check(part.text >= text && part.text + part.length <= text + length);
	check(!memchr(part.text, '/', part.length));
	check(!memchr(part.text, '\n', part.length));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* An allocation of its own, so that reading too far is noticed. */
	char *text = malloc(size ? size : 1);
	struct cgroup_meaning meaning;

	memcpy(text, data, size);
	cgroup_understand(text, size, &meaning);
	check_part(meaning.unit, text, size);
	check_part(meaning.user_unit, text, size);
	check_part(meaning.container, text, size);
	check_part(meaning.pod, text, size);
	check((meaning.kind == CONTAINER_NONE) == !meaning.container.length);
	check(meaning.kind < CONTAINER_KINDS);
	check(meaning.kind != CONTAINER_KUBERNETES || meaning.pod.length);
	check(!meaning.user_unit.length || meaning.unit.length);
	free(text);
	return 0;
}
