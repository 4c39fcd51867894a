/*
 * live [-r ROUNDS] [-n FRAMES] GENERATOR FROM TO NFT-FILE
 *
 * Nanoseconds a frame for frames that go into the veth FROM and arrive as skbs
 * at its other end TO, where nobody wants them: with nothing there, with
 * portscribe ("tc"), with the rules of NFT-FILE (which make the table netdev
 * bench). In turns; random ports; each begins anew in each round, and counts
 * every port before time is taken.
 */
#include <errno.h>
#include <getopt.h>
#include <net/if.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "bench.h"
#include "counting.h"
#include "util/cleanup.h"

#define WARM_UP 300000 /* frames; leaves 1 % of the ports unseen */

struct live {
	struct bpf_object *generator;
	const char *from, *to, *nft_file;
	unsigned int rounds, frames;
};

/* udp over IPv4 for another host, so that it is dropped right behind the hooks. */
static const unsigned char frame[14 + 20 + 8 + 22] = {
	2, 2,  2,  2, 2, 2,  4, 4, 4, 4,  4, 4, 0x08, 0x00, 0x45, 0,	0,    50, 0,  0, 0,
	0, 64, 17, 0, 0, 10, 9, 0, 1, 10, 9, 0, 2,    0x30, 0x39, 0x0c, 0xa0, 0,  30, 0, 0,
};

static unsigned long long arrived(const char *interface)
{
	_cleanup_fclose_ FILE *file = fopen("/proc/thread-self/net/dev", "re");
	unsigned long long bytes, packets;
	char line[512], format[64];

	snprintf(format, sizeof(format), " %.15s: %%llu %%llu", interface);
	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, format, &bytes, &packets) == 2)
			return packets;
	return 0;
}

static int generator_load(struct live *live, const char *path)
{
	__u32 ifindex = if_nametoindex(live->from);
	struct bpf_map *map;
	int error;

	live->generator = bpf_object__open_file(path, NULL);
	if (!live->generator)
		return -errno;
	bpf_object__for_each_map (map, live->generator)
		if (strstr(bpf_map__name(map), ".rodata")) {
			error = bpf_map__set_initial_value(map, &ifindex, sizeof(ifindex));
			if (error)
				return error;
		}
	return bpf_object__load(live->generator);
}

/* -EIO when frames were lost on the way, for then less was done than is measured. */
static int send_frames(struct live *live, unsigned int count, double *ret_ns)
{
	struct xdp_md context = { .data_end = sizeof(frame),
				  .ingress_ifindex = if_nametoindex(live->from) };
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame, .data_size_in = sizeof(frame),
		    .ctx_in = &context, .ctx_size_in = sizeof(context), .repeat = count,
		    .flags = BPF_F_TEST_XDP_LIVE_FRAMES, .batch_size = 64);
	int program = bpf_program__fd(bpf_object__next_program(live->generator, NULL));
	unsigned long long before = arrived(live->to);
	double start = bench_clock(CLOCK_MONOTONIC);
	int error = bpf_prog_test_run_opts(program, &options);

	*ret_ns = (bench_clock(CLOCK_MONOTONIC) - start) / count;
	if (!error && arrived(live->to) - before < count - count / 100)
		error = -EIO;
	return error;
}

static int measure(struct live *live, struct samples *samples)
{
	double ns;
	int error = send_frames(live, WARM_UP, &ns);

	if (!error)
		error = send_frames(live, live->frames, &ns);
	if (!error)
		samples_add(samples, ns);
	return error;
}

static int measure_tc(struct live *live, struct samples *samples)
{
	struct datapath *datapath = counting_begin(live->to);
	int error = datapath ? measure(live, samples) : -EINVAL;

	datapath_close(datapath);
	return error;
}

static int measure_nft(struct live *live, struct samples *samples)
{
	char command[512];
	int error;

	snprintf(command, sizeof(command), "nft -f '%s'", live->nft_file);
	if (system(command))
		return -EINVAL;
	error = measure(live, samples);
	if (system("nft delete table netdev bench"))
		return -EINVAL;
	return error;
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*measure)(struct live *live, struct samples *samples);
	} subjects[] = { { "nothing", measure }, { "tc", measure_tc }, { "nft", measure_nft } };
	struct samples samples[3] = {};
	struct live live = { .rounds = 7, .frames = 400000 };
	int option, error, count;

	while ((option = getopt(argc, argv, "r:n:")) != -1) {
		unsigned int value = optarg ? strtoul(optarg, NULL, 10) : 0;

		if (option == '?' || !value)
			return 2;
		*(option == 'r' ? &live.rounds : &live.frames) = value;
	}
	if (argc - optind != 3 && argc - optind != 4)
		return 2;
	live.from = argv[optind + 1];
	live.to = argv[optind + 2];
	live.nft_file = argv[optind + 3];
	count = live.nft_file ? 3 : 2;

	bench_pin();
	error = generator_load(&live, argv[optind]);
	for (unsigned int round = 0; round < live.rounds && !error; round++)
		for (int i = 0; i < count && !error; i++) {
			int which = (i + round) % count;

			error = subjects[which].measure(&live, &samples[which]);
			if (error)
				fprintf(stderr, "frames, %s: %s\n", subjects[which].name,
					strerror(-error));
		}
	for (int i = 0; i < count && !error; i++)
		samples_print(&samples[i], subjects[i].name);
	bpf_object__close(live.generator);
	return error != 0;
}
