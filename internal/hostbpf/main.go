// Command hostbpf finds out within half a minute whether this machine's kernel loads BPF programs.
// It exits with status 0 if so, and otherwise prints the reason in one line and exits with status
// 1.
//
// A kernel can get into a state in which every load hangs for good, and no signal ends the process
// that tries. In Linux 6.18.44, bpf_prog_pack_alloc holds pack_mutex while it waits, through
// __purge_vmap_area_lazy and __flush_work, for work in the queue "events". If all workers of that
// queue wait for the same mutex in bpf_prog_pack_free, none makes progress. Many concurrent loads
// lead there. So a child process tries, and if it hangs, its parent leaves it behind.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/bpf2lskel/bpf2lskel/internal/sys"
)

const (
	deadline = 25 * time.Second
	rounds   = 32 // of loads, each of which is freed at once

	childArg = "try"
)

func main() {
	if len(os.Args) == 2 && os.Args[1] == childArg {
		if err := try(); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		return
	}
	if err := ask(childArg, deadline); err != nil {
		fmt.Fprintln(os.Stderr, "hostbpf:", err)
		os.Exit(1)
	}
}

// ask runs this program as a child that tries to load programs, for at most limit.
func ask(arg string, limit time.Duration) error {
	// The child gets none of the parent's files: a process that reads them to the end would wait
	// for the child.
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	cmd := exec.Command("/proc/self/exe", arg)
	cmd.Stdout = w
	if err := cmd.Start(); err != nil {
		return err
	}
	w.Close()
	ended := make(chan error, 1)
	go func() {
		said, _ := io.ReadAll(r)
		err := cmd.Wait()
		if text := strings.TrimSpace(string(said)); err != nil && text != "" {
			err = errors.New(text)
		}
		ended <- err
	}()
	select {
	case err := <-ended:
		return err
	case <-time.After(limit):
		_ = cmd.Process.Kill() // has no effect on a process that hangs in the kernel
		return fmt.Errorf("this machine's kernel loads no BPF programs: a process that tries to (%d) still hangs after %v; restart the machine",
			cmd.Process.Pid, limit)
	}
}

// try loads and frees a few programs.
func try() error {
	insns := []sys.Insn{{Code: sys.OpMovImm}, {Code: sys.OpExit}} // r0 = 0; exit
	license, keep := sys.CString("GPL")
	defer runtime.KeepAlive(insns)
	defer runtime.KeepAlive(keep)
	for range rounds {
		for _, kind := range []struct {
			progType, flags uint32
			name            string
		}{
			{sys.ProgTypeSyscall, sys.FlagSleepable, "syscall"}, // the type of loader programs
			{sys.ProgTypeSocketFilter, 0, "socket filter"},
			{sys.ProgTypeXDP, 0, "XDP"},
		} {
			fd, err := load(&sys.ProgLoadAttr{
				ProgType: kind.progType, ProgFlags: kind.flags,
				InsnCnt: uint32(len(insns)), Insns: sys.Addr(unsafe.Pointer(&insns[0])), License: license,
			})
			if err != nil {
				return fmt.Errorf("this machine's kernel loads no BPF programs: load a %s program: %w", kind.name, err)
			}
			if err := unix.Close(fd); err != nil {
				return err
			}
		}
	}
	return nil
}

// load calls BPF_PROG_LOAD. It is EAGAIN if a signal arrives, and Go's runtime sends some.
func load(attr *sys.ProgLoadAttr) (fd int, err error) {
	for range 10 {
		fd, errno := sys.BPF(sys.CmdProgLoad, unsafe.Pointer(attr), unsafe.Offsetof(attr.ProgName))
		switch errno {
		case 0:
			return fd, nil
		case unix.EAGAIN:
			err = errno
		default:
			return -1, errno
		}
	}
	return -1, err
}
