/*
 * nft 1.0.6, scanner.l: a name that begins with /, ./ or ../ is taken as it is,
 * any other is looked for below /etc; patterns are expanded by glob(3), in
 * alphabetical order; directories are passed over.
 */
#include "nft/includes.h"

#include <errno.h>
#include <glob.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "util/cleanup.h"
#include "util/file.h"
#include "util/grow.h"

#define INCLUDE_FOLDER "/etc"
#define INCLUDE_LIMIT  ((size_t)64 << 20)

struct include_file {
	char *path, *text; /* owned; text NULL: it cannot be read */
	size_t length;
};

static struct include_file *find(const struct include_files *files, const char *path)
{
	for (size_t i = 0; i < files->count; i++)
		if (!strcmp(files->files[i].path, path))
			return &files->files[i];
	return NULL;
}

/* A pipe would have to be waited for, and gives its text only once. */
static bool is_file(const char *path)
{
	struct stat status;

	return !stat(path, &status) && S_ISREG(status.st_mode);
}

static int get(struct include_files *files, const char *path, struct include_file **ret_file)
{
	struct include_file *known = find(files, path), file = { 0 };

	if (known) {
		*ret_file = known;
		return 0;
	}
	if (!array_room(&files->files, files->count, &files->capacity, sizeof(*files->files)))
		return -ENOMEM;
	file.path = strdup(path);
	if (!file.path)
		return -ENOMEM;
	if (is_file(path))
		file_read_limited(path, INCLUDE_LIMIT, &file.text, &file.length, NULL);
	files->files[files->count] = file;
	*ret_file = &files->files[files->count++];
	return 0;
}

/* The pattern with its folder, for glob(). */
static int full_pattern(struct slice pattern, char *ret_pattern, size_t size)
{
	bool below = !(pattern.length && pattern.text[0] == '/') &&
		     strncmp(pattern.text, "./", 2) != 0 && strncmp(pattern.text, "../", 3) != 0;
	int length = snprintf(ret_pattern, size, "%s%.*s", below ? INCLUDE_FOLDER "/" : "",
			      SLICE_ARGS(pattern));

	return length < 0 || (size_t)length >= size ? -ENAMETOOLONG : 0;
}

static int read_included(void *data, struct slice pattern,
			 int (*take)(void *taker, const char *text, size_t length), void *taker)
{
	struct include_files *files = data;
	char full[PATH_MAX];
	glob_t found;
	int error = full_pattern(pattern, full, sizeof(full));

	if (error)
		return error;
	if (glob(full, 0, NULL, &found))
		return -ENOENT;
	for (size_t i = 0; !error && i < found.gl_pathc; i++) {
		struct include_file *file;

		error = get(files, found.gl_pathv[i], &file);
		if (!error && file->text)
			error = take(taker, file->text, file->length);
	}
	globfree(&found);
	return error;
}

void include_files_init(struct include_files *files)
{
	*files = (struct include_files){ .callbacks = { read_included, files } };
}

void include_files_release(struct include_files *files)
{
	for (size_t i = 0; i < files->count; i++) {
		free(files->files[i].path);
		free(files->files[i].text);
	}
	free(files->files);
	*files = (struct include_files){ 0 };
}
