/*
 * snapshot [-r ROUNDS] INTERFACE
 *
 * Milliseconds of a snapshot of all counters, and of a memcpy of as many bytes
 * to memory that is there already: every row's ports, attempts and answers.
 */
#include <getopt.h>
#include <string.h>

#include "bench.h"
#include "counting.h"
#include "datapath/internal.h"

static size_t bytes_read(const struct datapath *datapath)
{
	return PORT_BLOCKS(datapath->meta->rows) * datapath->block_size +
	       datapath->meta->rows * (sizeof(struct tally) - offsetof(struct tally, attempts));
}

int main(int argc, char **argv)
{
	struct samples of_snapshot = {}, of_copy = {}, of_free = {};
	unsigned int rounds = 60;
	struct datapath *datapath;
	int option, status = 0;
	char *copy;

	while ((option = getopt(argc, argv, "r:")) != -1) {
		if (option == '?')
			return 2;
		rounds = strtoul(optarg, NULL, 10);
	}
	if (!rounds || argc - optind != 1)
		return 2;
	datapath = counting_begin(argv[optind]);
	if (!datapath)
		return 1;
	copy = malloc(bytes_read(datapath));
	if (!copy)
		return 1;
	bench_pin();
	for (unsigned int round = 0; round < rounds + 1; round++) {
		size_t ports = PORT_BLOCKS(datapath->meta->rows) * datapath->block_size;
		struct snapshot *snapshot = NULL;
		double start = bench_clock(CLOCK_MONOTONIC), taken, freed, copied;

		status = datapath_snapshot(datapath, &snapshot) != 0;
		taken = bench_clock(CLOCK_MONOTONIC);
		snapshot_free(snapshot);
		freed = bench_clock(CLOCK_MONOTONIC);
		memcpy(copy, datapath->ports, ports);
		memcpy(copy + ports, datapath->tallies, bytes_read(datapath) - ports);
		asm volatile("" : : "r"(copy) : "memory");
		copied = bench_clock(CLOCK_MONOTONIC);
		if (status)
			break;
		if (!round) /* touches the memory for the first time */
			continue;
		samples_add(&of_snapshot, (taken - start) / 1e6);
		samples_add(&of_free, (freed - taken) / 1e6);
		samples_add(&of_copy, (copied - freed) / 1e6);
	}
	if (!status) {
		samples_print(&of_snapshot, "snapshot");
		samples_print(&of_free, "free");
		samples_print(&of_copy, "memcpy");
	}
	free(copy);
	datapath_close(datapath);
	return status;
}
