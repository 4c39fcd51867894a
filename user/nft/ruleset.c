/* See ruleset.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "nft/ruleset.h"
#include "util/cleanup.h"
#include "util/file.h"

/* Known places, not PATH: we may run as root. */
static const char *const nft_paths[] = { "/usr/sbin/nft", "/sbin/nft", "/usr/local/sbin/nft",
					 "/usr/bin/nft" };

static const char *find_nft(void)
{
	for (size_t i = 0; i < sizeof(nft_paths) / sizeof(nft_paths[0]); i++)
		if (!access(nft_paths[i], X_OK))
			return nft_paths[i];
	return NULL;
}

static _Noreturn void run_nft(const char *path, int output)
{
	static char *const environment[] = { "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C",
					     NULL };

	dup2(output, STDOUT_FILENO);
	dup2(output, STDERR_FILENO);
	execle(path, "nft", "list", "ruleset", NULL, environment);
	_exit(127);
}

int ruleset_list(char **ret_text, size_t *ret_length, struct fault *fault)
{
	_cleanup_fclose_ FILE *stream = NULL;
	_cleanup_free_ char *text = NULL;
	const char *path = find_nft();
	int ends[2], status, error;
	size_t length = 0;
	pid_t child;

	if (!path)
		return fault_set(fault, -ENOENT, "nft is not installed");
	if (pipe(ends))
		return -errno;
	fflush(NULL);
	child = fork();
	if (!child)
		run_nft(path, ends[1]);
	close(ends[1]);
	stream = fdopen(ends[0], "r");
	error = child < 0 ? -errno : !stream ? -ENOMEM : file_read_stream(stream, &text, &length);
	if (child > 0)
		while (waitpid(child, &status, 0) < 0 && errno == EINTR)
			;
	if (error)
		return fault_set(fault, error, "cannot run nft: %s", strerror(-error));
	if (status)
		return fault_set(fault, -EIO, "nft list ruleset failed: %.*s",
				 (int)strcspn(text, "\n"), text);
	*ret_text = TAKE_PTR(text);
	*ret_length = length;
	return 0;
}
