/* See local.h. */
#include "registry/local.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "registry/table.h"
#include "util/cleanup.h"
#include "util/fault.h"
#include "util/file.h"

struct reading {
	struct overlay_list *list;
	void (*report)(void *data, const char *sentence);
	void *data;
};

static int is_configuration(const struct dirent *entry)
{
	const char *ending = strrchr(entry->d_name, '.');

	return entry->d_name[0] != '.' && ending && !strcmp(ending, ".conf");
}

/* By bytes, whatever the locale: which file wins must not depend on LANG. */
static int compare_names(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

/*
 * Editors write a byte order mark, and carriage returns at the ends of lines. Blanks
 * there mean nothing to the reader, and let places in its messages be right.
 */
static void blank_marks(char *text, size_t length)
{
	static const char mark[] = "\xef\xbb\xbf";
	const char *end = text + length;

	if (length >= strlen(mark) && !memcmp(text, mark, strlen(mark)))
		memset(text, ' ', strlen(mark));
	for (; (text = memchr(text, '\r', end - text)); text++)
		if (text + 1 == end || text[1] == '\n')
			*text = ' ';
}

/* They may leave the last line without its newline. */
static int end_line(char **text, size_t *length)
{
	char *longer;

	if (!*length || (*text)[*length - 1] == '\n')
		return 0;
	longer = realloc(*text, *length + 1);
	if (!longer)
		return -ENOMEM;
	longer[(*length)++] = '\n';
	*text = longer;
	return 0;
}

static void report_left_out(const struct reading *reading, const char *reason)
{
	struct fault sentence;

	fault_set(&sentence, 0, "%s; the file is left out", reason);
	reading->report(reading->data, sentence.text);
}

static int read_file(const struct reading *reading, const char *path)
{
	_cleanup_free_ char *text = NULL;
	struct table_error error = {};
	struct fault fault = {};
	size_t length;
	char *origin;
	int err = file_read_trusted(path, LOCAL_SIZE_MAX, geteuid(), &text, &length, &fault);

	if (err == -ENOMEM)
		return err;
	if (err) {
		report_left_out(reading, fault.text);
		return 0;
	}
	blank_marks(text, length);
	origin = strdup(path);
	err = origin ? end_line(&text, &length) : -ENOMEM;
	if (err) {
		free(origin);
		return err;
	}
	err = overlay_list_add_local(reading->list, TAKE_PTR(text), length, origin, &error);
	if (err != -EINVAL)
		return err;
	fault_set(&fault, 0, "%s:%u:%u: %s", path, error.line, error.column, error.reason);
	report_left_out(reading, fault.text);
	return 0;
}

static int read_directory(const struct reading *reading, const char *directory)
{
	struct dirent **entries;
	struct fault fault = {};
	int count = scandir(directory, &entries, is_configuration, compare_names), err = 0;

	if (count < 0) {
		err = -errno;
		if (err == -ENOENT || err == -ENOTDIR || err == -ENOMEM)
			return err == -ENOMEM ? err : 0;
		fault_set(&fault, 0, "cannot read '%s': %s; its files are left out", directory,
			  strerror(-err));
		reading->report(reading->data, fault.text);
		return 0;
	}
	for (int i = 0; i < count; i++) {
		_cleanup_free_ char *path = NULL;

		if (!err && asprintf(&path, "%s/%s", directory, entries[i]->d_name) < 0)
			err = -ENOMEM;
		if (!err)
			err = read_file(reading, path);
		free(entries[i]);
	}
	free(entries);
	return err;
}

/* The specification wants relative paths ignored; su and sudo may leave somebody else's. */
static bool is_own(const char *directory)
{
	struct stat status;

	return directory && directory[0] == '/' && !stat(directory, &status) &&
	       status.st_uid == geteuid();
}

/* "": none. */
static int own_directory(char **ret_path)
{
	const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
	int length;

	if (is_own(config))
		length = asprintf(ret_path, "%s/portscribe/ports.d", config);
	else if (is_own(home))
		length = asprintf(ret_path, "%s/.config/portscribe/ports.d", home);
	else
		length = asprintf(ret_path, "%s", "");
	return length < 0 ? -ENOMEM : 0;
}

int local_overlays_read(struct overlay_list *list, void (*report)(void *data, const char *sentence),
			void *data)
{
	const struct reading reading = { list, report, data };
	_cleanup_free_ char *own = NULL;
	int err = read_directory(&reading, LOCAL_DIRECTORY);

	/* Root's HOME may be anybody's, by sudo. */
	if (err || geteuid() == 0)
		return err;
	err = own_directory(&own);
	if (err) {
		own = NULL;
		return err;
	}
	return *own ? read_directory(&reading, own) : 0;
}
