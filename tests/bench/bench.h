/*
 * What the measuring tools share. Each prints one line a subject, for
 * tests/bench/run to judge: NAME, minimum, median and count, by tabs.
 */
#ifndef PORTSCRIBE_BENCH_H
#define PORTSCRIBE_BENCH_H

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

struct samples {
	double *values;
	size_t count, size;
};

static inline double bench_clock(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return now.tv_sec * 1e9 + now.tv_nsec;
}

static inline void samples_add(struct samples *samples, double value)
{
	if (samples->count == samples->size) {
		samples->size = samples->size * 2 + 64;
		samples->values = realloc(samples->values, samples->size * sizeof(value));
		if (!samples->values)
			abort();
	}
	samples->values[samples->count++] = value;
}

static inline int samples_compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static inline void samples_print(struct samples *samples, const char *name)
{
	qsort(samples->values, samples->count, sizeof(double), samples_compare);
	printf("%s\t%.6g\t%.6g\t%zu\n", name, samples->values[0],
	       samples->values[samples->count / 2], samples->count);
}

/* The last CPU that we may use: the first one has the interrupts. */
static inline void bench_pin(void)
{
	cpu_set_t allowed, one;

	CPU_ZERO(&one);
	if (sched_getaffinity(0, sizeof(allowed), &allowed))
		return;
	for (int cpu = CPU_SETSIZE - 1; cpu >= 0; cpu--) {
		if (!CPU_ISSET(cpu, &allowed))
			continue;
		CPU_SET(cpu, &one);
		sched_setaffinity(0, sizeof(one), &one);
		return;
	}
}

#endif
