/*
 * load OBJECT DIRECTORY PORTS TALLIES SHARED-ROW
 *
 * The least that a program by libbpf can do to load what `portscribe attach`
 * loads: both tc programs, maps of the same sizes, all pinned in DIRECTORY.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include <bpf/libbpf.h>

#include "counters.h"

/* The one variable is first; constants of the compiler may follow. */
static int set_config(struct bpf_map *map, const struct counter_config *config)
{
	size_t size;
	const void *now = bpf_map__initial_value(map, &size);
	char *value = now && size >= sizeof(*config) ? malloc(size) : NULL;
	int error;

	if (!value)
		return -EINVAL;
	memcpy(value, now, size);
	memcpy(value, config, sizeof(*config));
	error = bpf_map__set_initial_value(map, value, size);
	free(value);
	return error;
}

static int set_shape(struct bpf_object *object, char **sizes)
{
	struct counter_config config = { .shared_row = strtoul(sizes[2], NULL, 10) };
	struct bpf_program *program;
	struct bpf_map *map;
	int error = 0;

	bpf_object__for_each_map (map, object) {
		const char *name = bpf_map__name(map);

		if (!strcmp(name, "ports"))
			error = bpf_map__set_max_entries(map, strtoul(sizes[0], NULL, 10));
		else if (!strcmp(name, "tallies"))
			error = bpf_map__set_max_entries(map, strtoul(sizes[1], NULL, 10));
		else if (strstr(name, ".rodata"))
			error = set_config(map, &config);
		if (error)
			return error;
	}
	bpf_object__for_each_program (program, object)
		bpf_program__set_autoload(program,
					  bpf_program__type(program) == BPF_PROG_TYPE_SCHED_CLS);
	return 0;
}

static int pin_programs(struct bpf_object *object, const char *directory)
{
	struct bpf_program *program;

	bpf_object__for_each_program (program, object) {
		char path[256];
		int error;

		snprintf(path, sizeof(path), "%s/%s", directory, bpf_program__name(program));
		error = bpf_program__fd(program) < 0 ? 0 : bpf_program__pin(program, path);
		if (error)
			return error;
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct bpf_object *object = argc == 6 ? bpf_object__open_file(argv[1], NULL) : NULL;
	int error;

	if (!object)
		return 2;
	setrlimit(RLIMIT_MEMLOCK, &(struct rlimit){ RLIM_INFINITY, RLIM_INFINITY });
	error = set_shape(object, argv + 3);
	if (!error)
		error = bpf_object__load(object);
	if (!error)
		error = bpf_object__pin_maps(object, argv[2]);
	if (!error)
		error = pin_programs(object, argv[2]);
	if (error)
		fprintf(stderr, "cannot load '%s': %s\n", argv[1], strerror(-error));
	bpf_object__close(object);
	return error != 0;
}
