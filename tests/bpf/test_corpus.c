/*
 * Frames that somebody really sent: every Ethernet capture of the corpus runs
 * through the programs. Nothing may get lost between the buckets, and for each
 * frame the ports must be those that tshark reads; where the two differ, the
 * table below says why.
 */
#include <linux/if_ether.h>
#include <regex.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "bpf/captures.h"
#include "bpf/harness.h"

#define CORPUS "../shared/corpus/pcap"

static struct captures captures;
static int corpus_error;

static const struct harness_shape plain = { 1, NO_SHARED_ROW, false, false, NULL };

static struct harness *open_with_corpus(void)
{
	if (corpus_error || !captures.count) {
		print_message("# skipped: no captures in %s\n", CORPUS);
		skip();
	}
	return harness_open(&plain);
}

/*
 * Longer frames are cut to what TEST_RUN takes at every place: no header lies
 * beyond, and the programs do not read what does.
 */
#define LONGEST 3500

/*
 * 1: counted; 0: TEST_RUN cannot take such a frame there. At tc it wants the
 * whole of an IP header that follows the Ethernet header.
 */
static int run_frame(struct harness *harness, enum place place, const struct capture_frame *frame)
{
	struct run run = { .data = frame->data,
			   .length = frame->length > LONGEST ? LONGEST : frame->length };
	int error;

	if (frame->length < ETH_HLEN || harness->programs[place] < 0)
		return 0;
	snprintf(harness->doing, sizeof(harness->doing), "%s frame %u at %s", frame->file,
		 frame->number, place_names[place]);
	error = harness_run(harness, place, &run);
	if (error == -EINVAL && place <= AT_TC_OUT && frame->length < ETH_HLEN + 40)
		return 0;
	if (error)
		fail_msg("%s: %s", harness->doing, strerror(-error));
	return 1;
}

static uint64_t *buckets_of(struct harness *harness, enum place place)
{
	return (uint64_t *)harness_tally(harness, 0)->ifaces[LO_SLOT].packets[direction_of(place)];
}

/* ---- nothing gets lost ---- */

static uint64_t sum_of_ports(struct harness *harness, enum side side, enum direction direction)
{
	uint64_t sum = 0;

	for (int transport = 0; transport < TRANSPORT_COUNT; transport++)
		for (uint32_t port = 0; port < PORT_COUNT; port++)
			sum += harness_block(harness, 0, transport)
				       ->side[side][direction][port]
				       .packets;
	return sum;
}

static void conserve(struct harness *harness, enum place place)
{
	uint64_t *buckets = buckets_of(harness, place), frames = 0, sum = 0;

	harness_zero(harness);
	for (size_t i = 0; i < captures.count; i++)
		frames += run_frame(harness, place, &captures.frames[i]);
	assert_int_equal(buckets[BUCKET_SEEN], frames);
	for (int bucket = BUCKET_PORTED; bucket < BUCKET_COUNT; bucket++) {
		sum += buckets[bucket];
		print_message("# %s: %s %llu\n", place_names[place], bucket_name(bucket),
			      (unsigned long long)buckets[bucket]);
	}
	print_message("# %s: %llu of %zu frames\n", place_names[place], (unsigned long long)frames,
		      captures.count);
	assert_int_equal(sum, frames);
	for (int side = 0; side < SIDE_COUNT; side++)
		assert_int_equal(sum_of_ports(harness, side, direction_of(place)),
				 buckets[BUCKET_PORTED]);
}

static void test_conservation(void **state)
{
	struct harness *harness = open_with_corpus();

	for (int place = 0; place < PLACE_COUNT; place++)
		if (harness->programs[place] >= 0)
			conserve(harness, place);
	harness_close(harness);
}

/* ---- tshark ---- */

/* What becomes of a frame: by tshark, or by us. */
struct reading {
	bool ported;
	enum transport transport;
	uint16_t source, dest;
	enum bucket bucket; /* ours */
};

/* One frame, or several of one file, on which tshark and we rightly differ. */
static const struct explained {
	const char *file;
	uint32_t first, last;
	enum bucket bucket; /* what we make of it */
	const char *reason;
} explained[] = {
	{ "suricata-verify__tests__bug-7414-decoder-event-01__ip_secopt.pcap", 3, 3, BUCKET_PORTED,
	  "an IPv4 security option too short for its kind stops tshark; IHL says where UDP "
	  "begins" },
	{ "tcpdump__bigtcp-ipv6.pcap", 1, 1, BUCKET_PORTED,
	  "BIG TCP: tshark takes payload length 0 for an empty packet, although 80,000 bytes "
	  "follow" },
	{ "tcpdump__bigtcp-ipv6-vxlan-ipv6.pcap", 1, 1, BUCKET_PORTED,
	  "BIG TCP in VXLAN: as above, for the outer header" },
};

static int le32(FILE *file, uint32_t value)
{
	return fwrite(&value, sizeof(value), 1, file) == 1 ? 0 : -EIO;
}

/* All frames in one capture that exists in memory alone. Its descriptor, or -errno. */
static int merge_captures(void)
{
	int fd = memfd_create("corpus", 0), error = 0;
	FILE *file = fd < 0 ? NULL : fdopen(dup(fd), "w");

	if (!file)
		return -errno;
	error |= le32(file, 0xa1b2c3d4) | le32(file, 4 << 16 | 2) | le32(file, 0) | le32(file, 0) |
		 le32(file, 262144) | le32(file, LINKTYPE_ETHERNET);
	for (size_t i = 0; i < captures.count; i++) {
		const struct capture_frame *frame = &captures.frames[i];

		error |= le32(file, i) | le32(file, 0) | le32(file, frame->length) |
			 le32(file, frame->original);
		if (fwrite(frame->data, 1, frame->length, file) != frame->length)
			error = -EIO;
	}
	return fclose(file) || error ? -EIO : fd;
}

/* The outermost chain that we claim to read; what lies in a tunnel is not ours to count. */
static const char chain[] =
	"^eth:ethertype:((vlan|ieee8021ad):ethertype:){0,2}"
	"(ip|ipv6(:ipv6\\.(hopopts|routing|dstopts|fraghdr)|:ah)*):(tcp|udp|sctp)(:|$)";

/* A line: frame.protocols, then source and destination port of tcp, udp and sctp. */
static void read_line(char *line, const regex_t *regex, struct reading *reading)
{
	char *fields[1 + TRANSPORT_COUNT * 2];
	regmatch_t match[7];

	for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
		fields[i] = strsep(&line, "\t\n") ?: "";
	if (regexec(regex, fields[0], ARRAY_SIZE(match), match, 0))
		return;
	switch (fields[0][match[6].rm_so]) {
	case 't': reading->transport = TRANSPORT_TCP; break;
	case 'u': reading->transport = TRANSPORT_UDP; break;
	default: reading->transport = TRANSPORT_SCTP;
	}
	if (!*fields[1 + reading->transport * 2])
		return;
	reading->ported = true;
	reading->source = atoi(fields[1 + reading->transport * 2]);
	reading->dest = atoi(fields[2 + reading->transport * 2]);
}

static FILE *start_tshark(int fd)
{
	char command[1024];

	snprintf(command, sizeof(command),
		 "exec tshark -n -r /dev/fd/%d -o ip.defragment:FALSE -o ipv6.defragment:FALSE "
		 "-o tcp.desegment_tcp_streams:FALSE -T fields -E occurrence=f -e frame.protocols "
		 "-e tcp.srcport -e tcp.dstport -e udp.srcport -e udp.dstport "
		 "-e sctp.srcport -e sctp.dstport 2>/dev/null",
		 fd);
	return popen(command, "r");
}

/* Skips where there is no tshark. */
static struct reading *ask_tshark(void)
{
	struct reading *readings = calloc(captures.count, sizeof(*readings));
	int fd = merge_captures(), status;
	size_t lines = 0, room = 0;
	char *line = NULL;
	regex_t regex;
	FILE *pipe;

	assert_non_null(readings);
	assert_true(fd >= 0);
	assert_int_equal(regcomp(&regex, chain, REG_EXTENDED), 0);
	pipe = start_tshark(fd);
	assert_non_null(pipe);
	while (getline(&line, &room, pipe) > 0)
		if (lines++ < captures.count)
			read_line(line, &regex, &readings[lines - 1]);
	status = pclose(pipe);
	free(line);
	regfree(&regex);
	close(fd);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 127) {
		free(readings);
		print_message("# skipped: tshark is not installed\n");
		skip();
	}
	assert_int_equal(status, 0);
	assert_int_equal(lines, captures.count);
	return readings;
}

/* The one port of the one frame counted since all was zero. */
static uint16_t find_port(const struct counter *ports)
{
	for (uint32_t port = 0; port < PORT_COUNT; port++)
		if (ports[port].packets)
			return port;
	fail_msg("a ported frame without a port");
	return 0;
}

/* What the programs made of one frame; begins and ends with all counters zero. */
static struct reading take_reading(struct harness *harness, enum place place,
				   const struct reading *guess)
{
	uint64_t *buckets = buckets_of(harness, place);
	enum direction direction = direction_of(place);
	struct reading reading = *guess;
	struct port_block *block = harness_block(harness, 0, guess->transport);

	for (int bucket = BUCKET_PORTED; bucket < BUCKET_COUNT; bucket++)
		if (buckets[bucket])
			reading.bucket = bucket;
	memset(buckets, 0, BUCKET_COUNT * sizeof(*buckets));
	reading.ported = reading.bucket == BUCKET_PORTED;
	if (!reading.ported)
		return reading;
	if (guess->ported && block->side[SIDE_LOCAL][direction][guess->dest].packets == 1 &&
	    block->side[SIDE_PEER][direction][guess->source].packets == 1) {
		block->side[SIDE_LOCAL][direction][guess->dest] = (struct counter){};
		block->side[SIDE_PEER][direction][guess->source] = (struct counter){};
		return reading;
	}
	for (int transport = 0; transport < TRANSPORT_COUNT; transport++) {
		struct counter(*side)[DIR_COUNT][PORT_COUNT] =
			harness_block(harness, 0, transport)->side;

		if (find_nonzero(side, sizeof(struct port_block)) == sizeof(struct port_block))
			continue;
		reading.transport = transport;
		reading.dest = find_port(side[SIDE_LOCAL][direction]);
		reading.source = find_port(side[SIDE_PEER][direction]);
	}
	harness_zero(harness);
	return reading;
}

static bool same(const struct reading *a, const struct reading *b)
{
	if (!a->ported || !b->ported)
		return a->ported == b->ported;
	return a->transport == b->transport && a->source == b->source && a->dest == b->dest;
}

static bool explain(const struct capture_frame *frame, const struct reading *ours)
{
	for (size_t i = 0; i < ARRAY_SIZE(explained); i++)
		if (!strcmp(explained[i].file, frame->file) &&
		    frame->number >= explained[i].first && frame->number <= explained[i].last &&
		    explained[i].bucket == ours->bucket) {
			print_message("# %s frame %u: %s\n", frame->file, frame->number,
				      explained[i].reason);
			return true;
		}
	return false;
}

static void describe(const struct reading *reading, char *text, size_t size)
{
	static const char *const names[] = { "tcp", "udp", "sctp" };

	snprintf(text, size, reading->ported ? "%s %u to %u" : "no ports",
		 names[reading->transport], reading->source, reading->dest);
}

/* Returns how many differences nobody has explained. */
static size_t compare(struct harness *harness, enum place place, const struct reading *tshark)
{
	size_t ported = 0, frames = 0, agreed = 0, known = 0, unknown = 0;

	harness_zero(harness);
	for (size_t i = 0; i < captures.count; i++) {
		const struct capture_frame *frame = &captures.frames[i];
		struct reading ours;
		char a[64], b[64];

		if (!run_frame(harness, place, frame))
			continue;
		frames++;
		ours = take_reading(harness, place, &tshark[i]);
		ported += ours.ported;
		if (same(&ours, &tshark[i])) {
			agreed++;
			continue;
		}
		if (explain(frame, &ours)) {
			known++;
			continue;
		}
		unknown++;
		describe(&ours, a, sizeof(a));
		describe(&tshark[i], b, sizeof(b));
		print_message("# %s: we say %s (%s), tshark says %s\n", harness->doing, a,
			      bucket_name(ours.bucket), b);
	}
	print_message("# %s: %zu frames, %zu with ports, tshark agrees on %zu, differs on %zu for "
		      "a known reason, on %zu for none\n",
		      place_names[place], frames, ported, agreed, known, unknown);
	return unknown;
}

static void test_tshark(void **state)
{
	struct harness *harness = open_with_corpus();
	struct reading *tshark = ask_tshark();
	size_t unknown = 0;

	for (int place = 0; place < PLACE_COUNT; place++)
		if (harness->programs[place] >= 0 && place != AT_TC_OUT && place != AT_XDP)
			unknown += compare(harness, place, tshark);
	free(tshark);
	harness_close(harness);
	assert_int_equal(unknown, 0);
}

static int read_corpus(void **state)
{
	corpus_error = captures_read(&captures, CORPUS);
	return 0;
}

static int release_corpus(void **state)
{
	captures_release(&captures);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_conservation),
		cmocka_unit_test(test_tshark),
	};

	return cmocka_run_group_tests(tests, read_corpus, release_corpus);
}
