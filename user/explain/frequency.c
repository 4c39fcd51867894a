/* See frequency.h. Lines: "ssh<TAB>22/tcp<TAB>0.182286<TAB># comment". */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "explain/frequency.h"
#include "util/cleanup.h"
#include "what.h"

static const char *const paths[] = { "/usr/share/nmap/nmap-services",
				     "/usr/local/share/nmap/nmap-services" };

/* Mapped, not read: of a megabyte, one line is wanted. */
static int map(const char *path, struct frequencies *ret_frequencies)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	struct stat status;
	void *text;

	if (fd < 0)
		return -errno;
	/* As root, a file that others may write to is no evidence. */
	if (fstat(fd, &status) || !S_ISREG(status.st_mode) || !status.st_size ||
	    (geteuid() == 0 && (status.st_uid != 0 || status.st_mode & 022)))
		return -ENOENT;
	text = mmap(NULL, status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (text == MAP_FAILED)
		return -errno;
	*ret_frequencies = (struct frequencies){ text, status.st_size };
	return 0;
}

int frequencies_read(struct frequencies *ret_frequencies)
{
	int error = -ENOENT;

	for (size_t i = 0; error && i < sizeof(paths) / sizeof(paths[0]); i++)
		error = map(paths[i], ret_frequencies);
	return error;
}

void frequencies_release(struct frequencies *frequencies)
{
	if (frequencies->text)
		munmap(frequencies->text, frequencies->length);
	*frequencies = (struct frequencies){};
}

bool frequency_of(const struct frequencies *frequencies, enum transport transport, uint16_t port,
		  double *ret_share)
{
	char column[32], number[16];
	const char *at, *end = frequencies->text + frequencies->length;
	size_t length;

	snprintf(column, sizeof(column), "\t%u/%s\t", port, transport_name(transport));
	at = memmem(frequencies->text, frequencies->length, column, strlen(column));
	if (!at)
		return false;
	at += strlen(column);
	for (length = 0; at + length < end && length + 1 < sizeof(number) &&
			 strchr("0123456789.", at[length]) && at[length];
	     length++)
		number[length] = at[length];
	number[length] = '\0';
	*ret_share = strtod(number, NULL);
	return length > 0 && *ret_share >= 0 && *ret_share <= 1;
}
