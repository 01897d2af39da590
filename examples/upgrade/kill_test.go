//vmtest:7.x

package main

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/bpf2lskel/bpf2lskel/examples/upgrade/v2/skel"
	"github.com/bpf2lskel/bpf2lskel/internal/testfs"
	bpf "github.com/bpf2lskel/bpf2lskel/runtime"
)

// packets returns the number of ICMP packets counted.
func packets(t *testing.T, dir string) uint64 {
	t.Helper()
	m, err := bpf.OpenPinnedMap(dir + "/counts")
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	counts, err := bpf.TypedMap(m, bpf.NewHashMap[uint32, skel.Counter])
	if err != nil {
		t.Fatal(err)
	}
	c, err := counts.Lookup(icmp)
	if err != nil {
		t.Fatal(err)
	}
	return c.Packets
}

// An agent is killed at each of its system calls in turn, in its first start and in an upgrade. The
// next agent starts, has all packets counted since the first start, and leaves nothing but the
// pins.
func TestKilledAtEachStep(t *testing.T) {
	receiver, sender := hosts(t)
	root := testfs.BPF(t)
	ping := func() {
		if err := sender.Ping(receiver, 3, 56); err != nil {
			t.Fatal(err)
		}
	}
	for name, test := range map[string]struct{ before, killed, after, pings int }{
		"first start":             {0, 1, 1, 1},
		"first start, then newer": {0, 1, 2, 1},
		"restart":                 {1, 1, 1, 3},
		"upgrade":                 {1, 2, 2, 3},
		"upgrade, then back":      {1, 2, 1, 3},
	} {
		t.Run(name, func(t *testing.T) {
			for n := 1; ; n++ {
				dir := fmt.Sprintf("%s/%d", root, n)
				if test.before != 0 {
					a := start(t, receiver, test.before, dir)
					a.mustCount(t)
					a.kill(t)
					ping()
				}
				finished := killAt(t, start(t, receiver, test.killed, dir, "UPGRADE_WATCHED=1"), n)
				if test.before != 0 {
					ping()
				}
				a := start(t, receiver, test.after, dir)
				a.mustCount(t)
				ping()
				a.kill(t)
				final := start(t, receiver, 2, dir)
				final.mustCount(t)
				final.kill(t)
				if got, want := packets(t, dir), uint64(3*test.pings); got != want {
					t.Errorf("killed at call %d: %d packets counted, want %d", n, got, want)
				}
				wantPins(t, dir)
				if err := os.RemoveAll(dir); err != nil {
					t.Fatal(err)
				}
				if maps, programs := objects(t); maps+programs != 0 {
					t.Errorf("killed at call %d: %d maps and %d programs are left", n, maps, programs)
				}
				if t.Failed() {
					return
				}
				if finished {
					t.Logf("%d system calls", n-1)
					break
				}
			}
		})
	}
}

// An agent is killed at each of its system calls in turn while it pins a whole skeleton. The
// directory is complete or absent, and never absent if there was one before.
func TestKilledWhilePinning(t *testing.T) {
	receiver, _ := hosts(t)
	root := testfs.BPF(t)
	for name, before := range map[string]bool{"new": false, "over another": true} {
		t.Run(name, func(t *testing.T) {
			finished := false
			for n := 1; !finished && !t.Failed(); n++ {
				dir := fmt.Sprintf("%s/%d", root, n)
				pin := func() {
					a := start(t, receiver, pinning, dir)
					a.mustCount(t)
					a.stop(t)
				}
				open := func() error {
					s, err := skel.OpenPinned(dir + "/agent")
					if err == nil {
						s.Close()
					}
					return err
				}
				if before {
					pin()
				}
				finished = killAt(t, start(t, receiver, pinning, dir, "UPGRADE_WATCHED=1"), n)
				if err := open(); err != nil && (before || !errors.Is(err, os.ErrNotExist)) {
					t.Errorf("killed at call %d: %v", n, err)
				}
				pin()
				if err := open(); err != nil {
					t.Errorf("killed at call %d, and pinned again: %v", n, err)
				}
				entries, err := os.ReadDir(dir)
				if err != nil || len(entries) != 2 { // the directory, and the map that is pinned by name
					t.Errorf("killed at call %d, and pinned again: directory has %v, %v", n, entries, err)
				}
				if err := bpf.Unpin(dir + "/agent"); err != nil {
					t.Error(err)
				}
				if err := os.RemoveAll(dir); err != nil {
					t.Fatal(err)
				}
				if maps, programs := objects(t); maps+programs != 0 {
					t.Errorf("killed at call %d: %d maps and %d programs are left", n, maps, programs)
				}
				if finished {
					t.Logf("%d system calls", n-1)
				}
			}
		})
	}
}

// objects counts the example's maps and programs in the kernel. It waits for unused ones to be
// freed.
func objects(t *testing.T) (maps, programs int) {
	t.Helper()
	for range 1000 {
		maps, programs = 0, 0
		ids, err := bpf.MapIDs()
		if err != nil {
			t.Fatal(err)
		}
		for _, id := range ids {
			if m, err := bpf.OpenMapID(id); err == nil {
				if m.Name() == "counts" {
					maps++
				}
				m.Close()
			}
		}
		if ids, err = bpf.ProgramIDs(); err != nil {
			t.Fatal(err)
		}
		for _, id := range ids {
			if p, err := bpf.OpenProgramID(id, nil); err == nil {
				if p.Name() == "count_packets" || p.Name() == "move_counts" {
					programs++
				}
				p.Close()
			}
		}
		if maps+programs == 0 {
			break
		}
		if err := bpf.WaitForPrograms(); err != nil {
			t.Fatal(err)
		}
	}
	return maps, programs
}

// watched are the system calls at which an agent is killed: those that change the state of the
// kernel or the file system.
var watched = []uint32{unix.SYS_BPF, unix.SYS_RENAMEAT2, unix.SYS_RENAMEAT, unix.SYS_UNLINKAT, unix.SYS_MKDIRAT, unix.SYS_FLOCK}

// watch makes the calling thread stop at each watched call until it is told to continue. It returns
// the file descriptor of the seccomp listener.
func watch() (int, error) {
	if _, _, errno := unix.RawSyscall6(unix.SYS_PRCTL, unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0, 0); errno != 0 {
		return -1, errno
	}
	calls := append(append([]uint32{}, watched...), oldCalls...)
	filter := []unix.SockFilter{{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: 0}} // seccomp_data.nr
	for i, nr := range calls {
		filter = append(filter, unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, Jt: uint8(len(calls) - i), K: nr})
	}
	filter = append(
		filter,
		unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW},
		unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_USER_NOTIF},
	)
	prog := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	fd, _, errno := unix.RawSyscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_NEW_LISTENER, uintptr(unsafe.Pointer(&prog)))
	runtime.KeepAlive(filter)
	if errno != 0 {
		return -1, errno
	}
	return int(fd), nil
}

// killAt kills an agent at its n-th watched call. It reports whether the agent finished before
// that.
func killAt(t *testing.T, a *agent, n int) (finished bool) {
	t.Helper()
	defer a.kill(t)
	line := a.says(t)
	num, ok := strings.CutPrefix(line, "watched by ")
	theirs, err := strconv.Atoi(num)
	if !ok || err != nil {
		t.Fatalf("the agent printed %q", line)
	}
	pid, err := unix.PidfdOpen(a.cmd.Process.Pid, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(pid)
	listener, err := unix.PidfdGetfd(pid, theirs, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(listener)
	counting := make(chan string, 1)
	go func() {
		line, _ := a.out.ReadString('\n')
		counting <- line
	}()
	for calls := 1; ; calls++ {
		for {
			fds := []unix.PollFd{{Fd: int32(listener), Events: unix.POLLIN}}
			if _, err := unix.Poll(fds, 20); err != nil && err != unix.EINTR {
				t.Fatal(err)
			}
			if fds[0].Revents&unix.POLLIN != 0 {
				break
			}
			select {
			case line := <-counting:
				if !strings.HasPrefix(line, "counting") {
					t.Fatalf("the agent printed %q", line)
				}
				return true
			default:
			}
		}
		var asked seccompNotif
		if err := ioctl(listener, seccompNotifRecv, unsafe.Pointer(&asked)); err != nil {
			t.Fatal(err)
		}
		if calls == n {
			return false
		}
		answer := seccompNotifResp{ID: asked.ID, Flags: unix.SECCOMP_USER_NOTIF_FLAG_CONTINUE}
		if err := ioctl(listener, seccompNotifSend, unsafe.Pointer(&answer)); err != nil {
			t.Fatal(err)
		}
	}
}

// struct seccomp_notif and struct seccomp_notif_resp from linux/seccomp.h, and their ioctls.
type seccompNotif struct {
	ID         uint64
	PID, Flags uint32
	NR         int32
	Arch       uint32
	IP         uint64
	Args       [6]uint64
}

type seccompNotifResp struct {
	ID    uint64
	Val   int64
	Error int32
	Flags uint32
}

const (
	seccompNotifRecv = 0xc0502100
	seccompNotifSend = 0xc0182101
)

func ioctl(fd int, request uintptr, p unsafe.Pointer) error {
	for {
		_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), request, uintptr(p))
		switch errno {
		case 0:
			return nil
		case unix.EINTR:
		default:
			return errno
		}
	}
}
