/* See cgroup.h. */
#include <ctype.h>

#include "listeners/cgroup.h"

/* The next part of a path between slashes; false at its end. */
static bool next_part(struct slice *rest, struct slice *ret_part)
{
	const char *slash;

	while (rest->length && rest->text[0] == '/') {
		rest->text++;
		rest->length--;
	}
	if (!rest->length)
		return false;
	slash = memchr(rest->text, '/', rest->length);
	*ret_part = (struct slice){ rest->text, slash ? slash - rest->text : rest->length };
	rest->text += ret_part->length;
	rest->length -= ret_part->length;
	return true;
}

static bool ends_with(struct slice text, const char *end)
{
	size_t length = strlen(end);

	return text.length > length && !memcmp(text.text + text.length - length, end, length);
}

/* Take @start from the front of @text; false where it does not begin so, or ends with it. */
static bool take_start(struct slice *text, const char *start)
{
	size_t length = strlen(start);

	if (text->length <= length || memcmp(text->text, start, length))
		return false;
	text->text += length;
	text->length -= length;
	return true;
}

static bool take_end(struct slice *text, const char *end)
{
	if (!ends_with(*text, end))
		return false;
	text->length -= strlen(end);
	return true;
}

#define ID_LENGTH 64 /* hexadecimal digits of a container's id, by all who give them */

static bool is_id(struct slice text)
{
	if (text.length != ID_LENGTH)
		return false;
	for (uint32_t i = 0; i < text.length; i++)
		if (!isxdigit((unsigned char)text.text[i]))
			return false;
	return true;
}

/* Groups that are called START-ID.scope, by systemd's driver, or START-ID. */
static const struct {
	const char *start;
	enum container_kind kind;
} scopes[] = {
	{ "docker-", CONTAINER_DOCKER },
	{ "libpod-", CONTAINER_PODMAN },
	{ "cri-containerd-", CONTAINER_CONTAINERD },
	{ "nerdctl-", CONTAINER_CONTAINERD },
	{ "crio-", CONTAINER_CRIO },
};

static bool is_scope(struct slice part, struct cgroup_meaning *meaning)
{
	take_end(&part, ".scope");
	for (size_t i = 0; i < sizeof(scopes) / sizeof(scopes[0]); i++) {
		struct slice id = part;

		if (!take_start(&id, scopes[i].start) || !is_id(id))
			continue;
		meaning->kind = scopes[i].kind;
		meaning->container = id;
		return true;
	}
	return false;
}

/* docker's own driver: /docker/ID; kubelet's: pod.../ID; LXC: /lxc/NAME, /lxc.payload.NAME. */
static bool is_below(struct slice before, struct slice part, struct cgroup_meaning *meaning)
{
	bool id = is_id(part);

	if (id && slice_equals(before, "docker"))
		meaning->kind = CONTAINER_DOCKER;
	else if (id && meaning->pod.length)
		meaning->kind = CONTAINER_KUBERNETES;
	else if (slice_equals(before, "lxc") || slice_equals(before, "lxc.payload"))
		meaning->kind = CONTAINER_LXC;
	else
		return false;
	meaning->container = part;
	return true;
}

/* systemd-nspawn@NAME.service, machine-NAME.scope: what systemd-machined knows. */
static bool is_machine(struct slice part, struct cgroup_meaning *meaning)
{
	struct slice name = part;

	if (!(take_start(&name, "systemd-nspawn@") && take_end(&name, ".service"))) {
		name = part;
		if (!take_start(&name, "machine-") || !take_end(&name, ".scope"))
			return false;
	}
	meaning->kind = CONTAINER_NSPAWN;
	meaning->container = name;
	return true;
}

static bool is_lxc(struct slice part, struct cgroup_meaning *meaning)
{
	struct slice name = part;

	if (!take_start(&name, "lxc.payload."))
		return false;
	meaning->kind = CONTAINER_LXC;
	meaning->container = name;
	return true;
}

/* podUID, or kubepods-QOS-podUID.slice by systemd's driver. */
static void find_pod(struct slice part, struct cgroup_meaning *meaning)
{
	const char *at;

	if (!take_end(&part, ".slice") && !(part.length > 3 && !memcmp(part.text, "pod", 3)))
		return;
	at = memmem(part.text, part.length, "pod", 3);
	while (at && !(at == part.text || at[-1] == '-'))
		at = memmem(at + 1, part.text + part.length - at - 1, "pod", 3);
	if (at && part.text + part.length - at - 3 >= 32)
		meaning->pod = (struct slice){ at + 3, part.text + part.length - at - 3 };
}

static bool is_unit(struct slice part)
{
	static const char *const endings[] = { ".service", ".scope", ".socket", ".mount", ".swap" };

	for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++)
		if (ends_with(part, endings[i]))
			return true;
	return false;
}

static void read_unit(struct slice part, struct cgroup_meaning *meaning)
{
	struct slice user = meaning->unit;

	if (!is_unit(part))
		return;
	if (!meaning->unit.length)
		meaning->unit = part;
	else if (take_start(&user, "user@") && take_end(&user, ".service"))
		meaning->user_unit = part;
}

static void understand_path(struct slice path, bool of_systemd, struct cgroup_meaning *meaning)
{
	struct slice part, before = {};
	bool kubernetes = false;

	while (next_part(&path, &part)) {
		bool contained = is_scope(part, meaning) || is_below(before, part, meaning) ||
				 is_lxc(part, meaning) || is_machine(part, meaning);

		if (part.length >= 8 && !memcmp(part.text, "kubepods", 8))
			kubernetes = true;
		if (kubernetes && !contained)
			find_pod(part, meaning);
		/* What ran it does not matter any more; a systemd inside may have units of its own.
		 */
		if (contained)
			meaning->unit = meaning->user_unit = (struct slice){};
		else if (of_systemd)
			read_unit(part, meaning);
		before = part;
	}
	if (meaning->pod.length && meaning->kind != CONTAINER_NONE)
		meaning->kind = CONTAINER_KUBERNETES;
}

/* The hierarchy that systemd's units are in: its own of version 1, else version 2. */
static bool is_of_systemd(struct slice controllers, bool named)
{
	return named ? slice_equals(controllers, "name=systemd") : !controllers.length;
}

/* ID:CONTROLLERS:PATH */
static bool split_line(struct slice line, struct slice *ret_controllers, struct slice *ret_path)
{
	const char *first = memchr(line.text, ':', line.length), *end = line.text + line.length;
	const char *second = first ? memchr(first + 1, ':', end - first - 1) : NULL;

	if (!second)
		return false;
	*ret_controllers = (struct slice){ first + 1, second - first - 1 };
	*ret_path = (struct slice){ second + 1, end - second - 1 };
	return true;
}

static bool next_line(const char **at, const char *end, struct slice *ret_line)
{
	const char *newline;

	if (*at == end)
		return false;
	newline = memchr(*at, '\n', end - *at);
	*ret_line = (struct slice){ *at, (newline ? newline : end) - *at };
	*at = newline ? newline + 1 : end;
	return true;
}

void cgroup_understand(const char *text, size_t length, struct cgroup_meaning *ret_meaning)
{
	const char *end = text + length, *at = text;
	bool named = memmem(text, length, ":name=systemd:", 14);
	struct cgroup_meaning meaning = {};
	struct slice line, controllers, path;

	while (next_line(&at, end, &line))
		if (split_line(line, &controllers, &path) && is_of_systemd(controllers, named))
			understand_path(path, true, &meaning);
	/* Without systemd below it, a container may show in any hierarchy. */
	for (at = text; meaning.kind == CONTAINER_NONE && next_line(&at, end, &line);)
		if (split_line(line, &controllers, &path) && !is_of_systemd(controllers, named))
			understand_path(path, false, &meaning);
	*ret_meaning = meaning;
}
