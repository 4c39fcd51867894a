/*
 * Its input and outputs are files in memory: no pipe that both sides could wait
 * for, whatever the size.
 */
#include "nft/program.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "util/cleanup.h"
#include "util/file.h"

#define ARGUMENTS_MAX 8

static const char *const nft_paths[] = { "/usr/sbin/nft", "/sbin/nft", "/usr/local/sbin/nft",
					 "/usr/bin/nft" };

static const char *find_nft(void)
{
	for (size_t i = 0; i < sizeof(nft_paths) / sizeof(nft_paths[0]); i++)
		if (!access(nft_paths[i], X_OK))
			return nft_paths[i];
	return NULL;
}

bool nft_is_installed(void)
{
	return find_nft() != NULL;
}

void nft_output_release(struct nft_output *output)
{
	free(output->text);
	free(output->errors);
	*output = (struct nft_output){ 0 };
}

/* Standard input, output and errors, in this order. */
struct streams {
	int fds[3];
};

static void streams_close(struct streams *streams)
{
	for (size_t i = 0; i < 3; i++)
		cleanup_close(&streams->fds[i]);
}

static int streams_open(struct streams *streams, const char *input, size_t length)
{
	for (size_t i = 0; i < 3; i++) {
		streams->fds[i] = memfd_create("nft", MFD_CLOEXEC);
		if (streams->fds[i] < 0)
			return -errno;
	}
	return file_write_all(streams->fds[0], input, length);
}

static _Noreturn void become_nft(const char *path, const char *const *arguments,
				 const struct streams *streams)
{
	static char *const environment[] = { "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C",
					     NULL };
	const char *words[ARGUMENTS_MAX + 2] = { "nft" };

	for (size_t i = 0; i < ARGUMENTS_MAX && arguments[i]; i++)
		words[i + 1] = arguments[i];
	if (lseek(streams->fds[0], 0, SEEK_SET) == 0 && dup2(streams->fds[0], STDIN_FILENO) >= 0 &&
	    dup2(streams->fds[1], STDOUT_FILENO) >= 0 && dup2(streams->fds[2], STDERR_FILENO) >= 0)
		execve(path, (char *const *)words, environment);
	_exit(127);
}

static int wait_for(pid_t child, int *ret_status)
{
	int status;

	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	if (!WIFEXITED(status))
		return -EINTR;
	*ret_status = WEXITSTATUS(status);
	return 0;
}

static int read_back(int fd, char **ret_text, size_t *ret_length)
{
	FILE *stream = lseek(fd, 0, SEEK_SET) ? NULL : fdopen(fd, "r");
	int error = stream ? file_read_stream(stream, ret_text, ret_length) : -errno;

	if (stream)
		fclose(stream);
	return error;
}

/* Closes what it reads from. */
static int outputs_read(struct streams *streams, struct nft_output *output)
{
	size_t length;
	int error = read_back(TAKE_FD(streams->fds[1]), &output->text, &output->length);

	return error ? error : read_back(TAKE_FD(streams->fds[2]), &output->errors, &length);
}

struct nft_process {
	struct streams streams;
	pid_t child;
};

int nft_start(const char *const *arguments, const char *input, size_t length,
	      struct nft_process **ret_process, struct fault *fault)
{
	_cleanup_(streams_close) struct streams streams = { { -1, -1, -1 } };
	struct nft_process *process = malloc(sizeof(*process));
	const char *path = find_nft();
	int error;

	if (!process)
		return fault_set(fault, -ENOMEM, "cannot run nft: there is no memory");
	error = path ? streams_open(&streams, input, length) : -ENOENT;
	if (error) {
		free(process);
		return path ? fault_set(fault, error, "cannot run nft: %s", strerror(-error))
			    : fault_set(fault, error, "nft is not installed");
	}
	fflush(NULL);
	process->child = fork();
	if (!process->child)
		become_nft(path, arguments, &streams);
	if (process->child < 0) {
		error = -errno;
		free(process);
		return fault_set(fault, error, "cannot run nft: %s", strerror(-error));
	}
	process->streams = streams;
	streams = (struct streams){ { -1, -1, -1 } };
	*ret_process = process;
	return 0;
}

int nft_finish(struct nft_process *process, struct nft_output *ret_output, struct fault *fault)
{
	struct nft_output output = { 0 };
	int error = wait_for(process->child, &output.status);

	if (!error)
		error = outputs_read(&process->streams, &output);
	streams_close(&process->streams);
	free(process);
	if (error) {
		nft_output_release(&output);
		return fault_set(fault, error, "cannot run nft: %s", strerror(-error));
	}
	*ret_output = output;
	return 0;
}

int nft_run(const char *const *arguments, const char *input, size_t length,
	    struct nft_output *ret_output, struct fault *fault)
{
	struct nft_process *process;
	int error = nft_start(arguments, input, length, &process, fault);

	return error ? error : nft_finish(process, ret_output, fault);
}
