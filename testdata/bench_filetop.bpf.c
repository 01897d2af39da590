/* For the bench: reads and writes by file, with the path from dentry to root: file, dentry, inode, super block,
 * mount and task by CO-RE.
 */
#include "bench.h"

#define DEPTH 8
#define NAME_LEN 64

struct key {
	__u64 ino;
	__u32 dev, rdev, tgid;
};

struct stat {
	__u64 reads, read_bytes, writes, write_bytes;
	__u32 uid, mode, nlink;
	__u64 size, magic;
	char comm[16];
	__u32 depth;
	char path[DEPTH][NAME_LEN];
};

HASH(files, struct key, struct stat, 4096);
PERCPU_ARRAY(scratch, struct stat, 1);

const volatile __u32 target_tgid;
const volatile _Bool regular_only = 1;

static __noinline int record(struct file *file, __u64 bytes, int write)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct inode *inode = BPF_CORE_READ(file, f_inode);
	__u32 tgid = BPF_CORE_READ(task, tgid), zero = 0;
	__u16 mode = BPF_CORE_READ(inode, i_mode);
	struct key key = {};
	struct dentry *dentry;
	struct stat *s;

	if ((target_tgid && target_tgid != tgid) || (regular_only && (mode & 0170000) != 0100000))
		return 0;
	key.ino = BPF_CORE_READ(inode, i_ino);
	key.dev = BPF_CORE_READ(inode, i_sb, s_dev);
	key.tgid = tgid;
	s = bpf_map_lookup_elem(&files, &key);
	if (!s) {
		s = bpf_map_lookup_elem(&scratch, &zero);
		if (!s)
			return 0;
		s->uid = BPF_CORE_READ(inode, i_uid.val);
		s->mode = mode;
		s->nlink = BPF_CORE_READ(inode, i_nlink);
		s->size = BPF_CORE_READ(inode, i_size);
		s->magic = BPF_CORE_READ(file, f_path.mnt, mnt_sb, s_magic);
		BPF_CORE_READ_INTO(&s->comm, task, comm);
		s->depth = 0;
		dentry = BPF_CORE_READ(file, f_path.dentry);
		for (int i = 0; i < DEPTH; i++) {
			struct dentry *parent = BPF_CORE_READ(dentry, d_parent);
			const unsigned char *name = BPF_CORE_READ(dentry, d_name.name);

			bpf_probe_read_kernel_str(s->path[i], NAME_LEN, name);
			s->depth++;
			if (parent == dentry)
				break;
			dentry = parent;
		}
		s->reads = s->read_bytes = s->writes = s->write_bytes = 0;
		bpf_map_update_elem(&files, &key, s, BPF_NOEXIST);
		s = bpf_map_lookup_elem(&files, &key);
		if (!s)
			return 0;
	}
	if (write) {
		s->writes++;
		s->write_bytes += bytes;
	} else {
		s->reads++;
		s->read_bytes += bytes;
	}
	return 0;
}

struct rw_args {
	struct file *file;
	char *buf;
	unsigned long count;
};

SEC("kprobe/vfs_read")
int on_read(struct rw_args *ctx)
{
	struct rw_args args = {};

	bpf_probe_read_kernel(&args, sizeof(args), ctx);
	return record(args.file, args.count, 0);
}

SEC("kprobe/vfs_write")
int on_write(struct rw_args *ctx)
{
	struct rw_args args = {};

	bpf_probe_read_kernel(&args, sizeof(args), ctx);
	return record(args.file, args.count, 1);
}

LICENSE("GPL");
