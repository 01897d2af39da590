/* Measures operations on a loaded object with libbpf: the rows of package use, in C. It answers
 * each line "libbpf ROW" with the time of one operation, in ns.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include HEADER

#define PASTE_(a, b) a##b
#define PASTE(a, b) PASTE_(a, b)

enum {
	ring_size = 1 << 20, perf_pages = 64, batch = 128, small_keys = 1000, large_keys = 50000, percpu_keys = 256,
	operations = 10000, chunk = 1000, attaching = 50, live = 200000,
};

struct value {
	__u64 packets, bytes;
};

struct args {
	__u64 size, count, flags, last;
};

static struct NAME *skeleton;
static int fill_ring_fd, fill_events_fd;
static struct ring_buffer *rb;
static struct perf_buffer *pb;
static __u64 records, sum;
static __u64 keys[chunk];
static struct value values[chunk];

static void die(const char *what, int err)
{
	printf("error: libbpf: %s: %s\n", what, strerror(err < 0 ? -err : err));
	fflush(stdout);
	exit(1);
}

static long long now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

static int fill(int prog, struct args a)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = &a, .ctx_size_in = sizeof(a));
	int err = bpf_prog_test_run_opts(prog, &opts);

	if (err || (int)opts.retval < 0)
		die("run", err ? err : EINVAL);
	return opts.retval;
}

static void fill_with(int prog, int n, int size)
{
	while (n > 0) {
		int written = fill(prog, (struct args){.size = size, .count = n < batch ? n : batch});

		if (!written)
			die("fill", ENOSPC);
		n -= written;
	}
}

static int on_record(void *ctx, void *data, size_t size)
{
	records++;
	sum += *(__u64 *)data;
	return 0;
}

static void on_sample(void *ctx, int cpu, void *data, __u32 size)
{
	records++;
	sum += *(__u64 *)data;
}

static atomic_long left;
static __u64 live_flags, live_last;

static void *produce(void *unused)
{
	for (;;) {
		long n = atomic_fetch_sub(&left, batch);
		struct args a = {.size = 48, .flags = live_flags, .last = live_last};

		if (n <= 0)
			return NULL;
		for (a.count = n < batch ? n : batch; a.count > 0;)
			a.count -= fill(fill_ring_fd, a);
	}
}

/* Has the program run on behalf of another process. */
static double run_live(int threads, int wake)
{
	pthread_t all[4];
	int go[2], status;
	long long begin;
	char c = 0;
	pid_t pid;

	left = live;
	live_flags = wake ? 0 : BPF_RB_NO_WAKEUP;
	live_last = wake ? 0 : BPF_RB_FORCE_WAKEUP;
	records = sum = 0;
	if (pipe(go))
		die("pipe", errno);
	pid = fork();
	if (pid < 0)
		die("fork", errno);
	if (!pid) {
		if (read(go[0], &c, 1) != 1)
			_exit(1);
		for (int i = 0; i < threads; i++)
			pthread_create(&all[i], NULL, produce, NULL);
		for (int i = 0; i < threads; i++)
			pthread_join(all[i], NULL);
		_exit(0);
	}
	usleep(2000); /* until it reads */
	begin = now();
	if (write(go[1], &c, 1) != 1)
		die("write", errno);
	while (records < live) {
		int err = ring_buffer__poll(rb, -1);

		if (err < 0 && err != -EINTR)
			die("poll", err);
	}
	begin = now() - begin;
	if (waitpid(pid, &status, 0) < 0 || status)
		die("producer", ECHILD);
	close(go[0]);
	close(go[1]);
	return (double)begin / live;
}

static double run_events(int size, int perf)
{
	int n = perf ? perf_pages * getpagesize() / 10 * 9 / (size + 24) : ring_size / 10 * 9 / (size + 8);
	long long begin;

	fill_with(perf ? fill_events_fd : fill_ring_fd, n, size);
	records = sum = 0;
	begin = now();
	if (perf)
		perf_buffer__consume(pb);
	else
		ring_buffer__consume(rb);
	begin = now() - begin;
	if (records != n || sum != n)
		die("records", EBADMSG);
	return (double)begin / n;
}

static double run_maps(const char *row)
{
	int small = bpf_map__fd(skeleton->maps.small), large = bpf_map__fd(skeleton->maps.large);
	int percpu = bpf_map__fd(skeleton->maps.percpu), n = operations, err = 0;
	struct value v = {1, 1}, per_cpu[libbpf_num_possible_cpus()];
	long long begin = now();

	if (!strcmp(row, "lookup")) {
		for (int i = 0; i < n && !err; i++) {
			__u64 k = i % small_keys;

			err = bpf_map_lookup_elem(small, &k, &v);
		}
	} else if (!strcmp(row, "update")) {
		for (int i = 0; i < n && !err; i++) {
			__u64 k = i % small_keys;

			err = bpf_map_update_elem(small, &k, &v, BPF_ANY);
		}
	} else if (!strcmp(row, "update, batch")) {
		__u32 count = n = chunk;

		err = bpf_map_update_batch(small, keys, values, &count, NULL);
	} else if (!strcmp(row, "per-CPU lookup")) {
		for (int i = 0; i < n && !err; i++) {
			__u32 k = i % percpu_keys;

			err = bpf_map_lookup_elem(percpu, &k, per_cpu);
		}
	} else if (!strcmp(row, "iterate")) {
		static __u64 got_keys[chunk];
		static struct value got[chunk];
		__u64 at, total = 0;
		int more;

		n = 0;
		do {
			__u32 count = chunk;

			more = bpf_map_lookup_batch(large, n ? &at : NULL, &at, got_keys, got, &count, NULL);
			if (more && more != -ENOENT)
				die(row, more);
			for (int i = 0; i < count; i++)
				total += got[i].packets;
			n += count;
		} while (!more);
		if (n != large_keys || total != large_keys)
			err = EBADMSG;
	} else if (!strcmp(row, "attach")) {
		n = attaching;
		for (int i = 0; i < n && !err; i++) {
			struct bpf_link *l = bpf_program__attach(skeleton->progs.attached);

			err = l ? bpf_link__destroy(l) : errno;
		}
	} else {
		err = ENOENT;
	}
	begin = now() - begin;
	if (err)
		die(row, err);
	return (double)begin / n;
}

static double run(const char *row)
{
	cpu_set_t all, one;
	double took;
	int size;

	if (!strcmp(row, "ring 48 live"))
		return run_live(1, 1);
	if (!strcmp(row, "ring 48 live, no wake-up"))
		return run_live(1, 0);
	if (!strcmp(row, "ring 48 live, 4 writers"))
		return run_live(4, 1);
	sched_getaffinity(0, sizeof(all), &all);
	CPU_ZERO(&one);
	for (int cpu = 0; !CPU_COUNT(&one); cpu++) {
		if (CPU_ISSET(cpu, &all))
			CPU_SET(cpu, &one);
	}
	sched_setaffinity(0, sizeof(one), &one);
	if (sscanf(row, "ring %d", &size) == 1)
		took = run_events(size, 0);
	else if (sscanf(row, "perf %d", &size) == 1)
		took = run_events(size, 1);
	else
		took = run_maps(row);
	sched_setaffinity(0, sizeof(all), &all);
	return took;
}

int main(void)
{
	char line[128];
	int small, large;

	skeleton = PASTE(NAME, __open_and_load)();
	if (!skeleton)
		die("load", errno);
	fill_ring_fd = bpf_program__fd(skeleton->progs.fill_ring);
	fill_events_fd = bpf_program__fd(skeleton->progs.fill_events);
	rb = ring_buffer__new(bpf_map__fd(skeleton->maps.ring), on_record, NULL, NULL);
	pb = perf_buffer__new(bpf_map__fd(skeleton->maps.events), perf_pages, on_sample, NULL, NULL, NULL);
	if (!rb || !pb)
		die("open buffers", errno);
	small = bpf_map__fd(skeleton->maps.small);
	large = bpf_map__fd(skeleton->maps.large);
	for (int from = large_keys - chunk; from >= 0; from -= chunk) {
		__u32 count = chunk;

		for (int i = 0; i < chunk; i++) {
			keys[i] = from + i;
			values[i] = (struct value){1, 1};
		}
		if (bpf_map_update_batch(large, keys, values, &count, NULL))
			die("fill map", errno);
	}
	for (int i = 0; i < small_keys; i++) {
		if (bpf_map_update_elem(small, &keys[i], &values[i], BPF_ANY))
			die("fill map", errno);
	}
	puts("ready");
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin)) {
		line[strcspn(line, "\n")] = 0;
		printf("%f\n", run(line + strlen("libbpf ")));
		fflush(stdout);
	}
	return 0;
}
