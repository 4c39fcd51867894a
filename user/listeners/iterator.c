/* See iterator.h. */
#include <errno.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "listeners/iterator.h"
#include "owners.skel.h"
#include "util/cleanup.h"
#include "util/system.h"

/* A multiple of the records' size, and more than the kernel's own buffer (8 pages). */
#define RECORDS 1024

struct owner_iterator {
	struct owners_bpf *skeleton;
	struct bpf_link *link;
	struct owner_record records[RECORDS];
};

static int explain(int error, struct fault *fault)
{
	char missing[128];

	if (capabilities_missing(ITERATOR_CAPABILITIES, missing, sizeof(missing)))
		return fault_set(fault, error, "it needs %s", missing);
	if (!kernel_at_least(5, 10))
		return fault_set(fault, error, "it needs Linux 5.10 or newer");
	return fault_set(fault, error, "%s", strerror(-error));
}

int owner_iterator_open(struct owner_iterator **ret_iterator, struct fault *fault)
{
	struct owner_iterator *iterator = calloc(1, sizeof(*iterator));
	int error = 0;

	if (!iterator)
		return fault_set(fault, -ENOMEM, "%s", strerror(ENOMEM));
	libbpf_set_print(NULL); /* the words are ours */
	iterator->skeleton = owners_bpf__open();
	if (!iterator->skeleton)
		error = -errno;
	if (!error)
		error = owners_bpf__load(iterator->skeleton);
	if (!error) {
		iterator->link =
			bpf_program__attach_iter(iterator->skeleton->progs.portscribe_owners, NULL);
		if (!iterator->link)
			error = -errno;
	}
	if (error) {
		owner_iterator_close(iterator);
		return explain(error, fault);
	}
	*ret_iterator = iterator;
	return 0;
}

void owner_iterator_close(struct owner_iterator *iterator)
{
	if (!iterator)
		return;
	bpf_link__destroy(iterator->link);
	owners_bpf__destroy(iterator->skeleton);
	free(iterator);
}

int owner_iterator_walk(struct owner_iterator *iterator,
			int (*found)(const struct owner_record *record, void *data), void *data)
{
	_cleanup_close_ int fd = bpf_iter_create(bpf_link__fd(iterator->link));
	char *bytes = (char *)iterator->records;
	size_t used = 0;

	if (fd < 0)
		return -errno;
	for (;;) {
		ssize_t got = read(fd, bytes + used, sizeof(iterator->records) - used);
		size_t whole;

		/* After a million files without one of ours it wants to be asked again. */
		if (got < 0 && (errno == EAGAIN || errno == EINTR))
			continue;
		if (got <= 0)
			return got < 0 ? -errno : 0;
		used += got;
		whole = used / sizeof(*iterator->records);
		for (size_t i = 0; i < whole; i++) {
			int result = found(&iterator->records[i], data);

			if (result)
				return result;
		}
		used -= whole * sizeof(*iterator->records);
		memmove(bytes, bytes + whole * sizeof(*iterator->records), used);
	}
}
