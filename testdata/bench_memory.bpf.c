/* For the bench: the address space of each process at exec and at exit: mm, task, signal and exe_file by CO-RE. */
#include "bench.h"

struct layout {
	__u64 code, data, heap, stack, args, env;
	__u64 total_vm, locked_vm, data_vm, exec_vm, stack_vm;
	__u64 hiwater_rss, hiwater_vm;
	__u64 min_flt, maj_flt, utime, stime, runtime, nvcsw, nivcsw;
	__u32 maps, threads, pid, tgid, ppid, uid, euid, exit_code;
	__s32 oom_score_adj;
	__u64 exe_ino;
	char exe[64], comm[16];
};

HASH(layouts, __u32, struct layout, 8192);
PERCPU_ARRAY(scratch, struct layout, 1);
RINGBUF(exits, 1 << 18);

static __noinline int look(struct layout *l)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct mm_struct *mm = BPF_CORE_READ(task, mm);
	const unsigned char *name;

	if (!l || !mm)
		return 0;
	l->code = BPF_CORE_READ(mm, end_code) - BPF_CORE_READ(mm, start_code);
	l->data = BPF_CORE_READ(mm, end_data) - BPF_CORE_READ(mm, start_data);
	l->heap = BPF_CORE_READ(mm, brk) - BPF_CORE_READ(mm, start_brk);
	l->stack = BPF_CORE_READ(mm, start_stack);
	l->args = BPF_CORE_READ(mm, arg_end) - BPF_CORE_READ(mm, arg_start);
	l->env = BPF_CORE_READ(mm, env_end) - BPF_CORE_READ(mm, env_start);
	l->total_vm = BPF_CORE_READ(mm, total_vm);
	l->locked_vm = BPF_CORE_READ(mm, locked_vm);
	l->data_vm = BPF_CORE_READ(mm, data_vm);
	l->exec_vm = BPF_CORE_READ(mm, exec_vm);
	l->stack_vm = BPF_CORE_READ(mm, stack_vm);
	l->hiwater_rss = BPF_CORE_READ(mm, hiwater_rss);
	l->hiwater_vm = BPF_CORE_READ(mm, hiwater_vm);
	l->maps = BPF_CORE_READ(mm, map_count);
	l->min_flt = BPF_CORE_READ(task, min_flt);
	l->maj_flt = BPF_CORE_READ(task, maj_flt);
	l->utime = BPF_CORE_READ(task, utime);
	l->stime = BPF_CORE_READ(task, stime);
	l->runtime = BPF_CORE_READ(task, se.sum_exec_runtime);
	l->nvcsw = BPF_CORE_READ(task, nvcsw);
	l->nivcsw = BPF_CORE_READ(task, nivcsw);
	l->threads = BPF_CORE_READ(task, signal, nr_threads);
	l->oom_score_adj = BPF_CORE_READ(task, signal, oom_score_adj);
	l->pid = BPF_CORE_READ(task, pid);
	l->tgid = BPF_CORE_READ(task, tgid);
	l->ppid = BPF_CORE_READ(task, real_parent, tgid);
	l->uid = BPF_CORE_READ(task, cred, uid.val);
	l->euid = BPF_CORE_READ(task, cred, euid.val);
	l->exit_code = BPF_CORE_READ(task, exit_code);
	l->exe_ino = BPF_CORE_READ(mm, exe_file, f_inode, i_ino);
	name = BPF_CORE_READ(mm, exe_file, f_path.dentry, d_name.name);
	bpf_probe_read_kernel_str(l->exe, sizeof(l->exe), name);
	BPF_CORE_READ_INTO(&l->comm, task, comm);
	return 1;
}

SEC("raw_tp/sched_process_exec")
int on_exec(void *ctx)
{
	__u32 zero = 0, tgid = bpf_get_current_pid_tgid() >> 32;
	struct layout *l = bpf_map_lookup_elem(&scratch, &zero);

	if (l && look(l))
		bpf_map_update_elem(&layouts, &tgid, l, BPF_ANY);
	return 0;
}

SEC("raw_tp/sched_process_exit")
int on_exit(void *ctx)
{
	__u32 zero = 0, tgid = bpf_get_current_pid_tgid() >> 32;
	struct layout *l = bpf_map_lookup_elem(&scratch, &zero);

	if (l && look(l))
		bpf_ringbuf_output(&exits, l, sizeof(*l), 0);
	bpf_map_delete_elem(&layouts, &tgid);
	return 0;
}

LICENSE("GPL");
