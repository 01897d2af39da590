#!/bin/busybox sh
# The first process of a guest: it mounts file systems, inserts modules, runs the test binaries that
# /tests/list names, and powers off. console.go explains the lines that begin with "vmtest-".

/bin/busybox mkdir -p /proc /sys /dev /tmp /run /busybox /root /var/tmp
/bin/busybox --install -s /busybox
export PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/busybox HOME=/root

mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mkdir -p /dev/pts /dev/shm
mount -t devpts devpts /dev/pts
mount -t tmpfs tmp /tmp
mount -t tmpfs run /run
mkdir -p /run/netns
mount -t bpf bpf /sys/fs/bpf
mount -t cgroup2 cgroup /sys/fs/cgroup
mount -t tracefs tracing /sys/kernel/tracing
mount -t debugfs debug /sys/kernel/debug 2>/dev/null
[ -e /dev/fd ] || ln -s /proc/self/fd /dev/fd
exec </dev/null

# Test events share the console with the kernel, which may print only when it dies. Its log is shown
# after a failure.
dmesg -n 1

hostname vmtest
ip link set lo up
# BPF objects count against this limit before Linux 5.11.
ulimit -l unlimited
ulimit -n 65536

echo "vmtest-boot $(uname -r)"

while read -r name; do
	insmod "/modules/$name.ko" || echo "vmtest-broken insmod $name"
done </modules/load

. /tests/environment
dmesg -c >/dev/null

# The only line that ever arrives from outside says that the time is up.
{
	read -r line
	[ "$line" = vmtest-expired ] || exit
	touch /run/expired
	killall -QUIT "$(cat /run/running)"
} </dev/console &

number=0
while read -r package pattern; do
	[ ! -e /run/expired ] || break
	cd "/src/$package" || echo "vmtest-broken cd $package"
	echo "$number.test" >/run/running
	echo "vmtest-begin $package"
	"/tests/$number.test" -test.v=test2json -test.timeout "$VMTEST_TIMEOUT" -test.run "$pattern"
	status=$?
	echo
	echo "vmtest-end $package $status"
	[ $status = 0 ] || { echo "vmtest-log"; dmesg | tail -n 60; echo "vmtest-log-end"; dmesg -c >/dev/null; }
	number=$((number + 1))
done </tests/list

echo "vmtest-done"
sync
poweroff -f
