/* The main loop of a measured C process: it loads on request and reports what that took. The
 * protocol is that of package probe. Define load and unload before including this.
 */
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

static long long clock_ns(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

static long peak_rss(void)
{
	FILE *f = fopen("/proc/self/status", "r");
	char line[256];
	long kib = -1;

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "VmHWM: %ld", &kib) == 1)
			break;
	if (f)
		fclose(f);
	return kib;
}

int main(void)
{
	char line[16];

	puts("ready");
	fflush(stdout);
	while (read(0, line, sizeof(line)) > 0) {
		struct rusage before, after;
		long long cpu, wall;
		int err;

		getrusage(RUSAGE_SELF, &before);
		cpu = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
		wall = clock_ns(CLOCK_MONOTONIC);
		err = load();
		wall = clock_ns(CLOCK_MONOTONIC) - wall;
		cpu = clock_ns(CLOCK_PROCESS_CPUTIME_ID) - cpu;
		getrusage(RUSAGE_SELF, &after);
		if (err)
			printf("error: load: %d\n", err);
		else
			printf("%lld %lld %ld %ld\n", wall, cpu, after.ru_minflt - before.ru_minflt, peak_rss());
		fflush(stdout);
		unload();
	}
	return 0;
}
