//vmtest:6.12,6.18,7.x

package token_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/bpf2lskel/bpf2lskel/internal/guest"
	"github.com/bpf2lskel/bpf2lskel/internal/object"
	"github.com/bpf2lskel/bpf2lskel/internal/testobj"
	"github.com/bpf2lskel/bpf2lskel/loader"
	"github.com/bpf2lskel/bpf2lskel/runtime"
	_ "github.com/bpf2lskel/bpf2lskel/runtime/token"
)

// delegated are the mount options of a BPF file system.
type delegated struct{ cmds, maps, progs, attachs string }

var all = delegated{"any", "any", "any", "any"}

// place is where a child runs: a user namespace with its own BPF file system, which delegates
// privileges to it.
type place struct {
	delegated
	at   string // the file system's mount point
	path string // $LIBBPF_BPF_TOKEN_PATH; "-": unset
}

const bpffs = "/sys/fs/bpf"

// inNamespace runs one of TestChild's jobs in a place and returns its error, or "".
func inNamespace(t *testing.T, job string, p place) string {
	t.Helper()
	guest.Only(t)
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	ours, theirs := pair[0], os.NewFile(uintptr(pair[1]), "socket")
	defer unix.Close(ours)
	cmd := exec.Command("/proc/self/exe", "-test.run=^TestChild$")
	cmd.Env = append(os.Environ(), "BPF2LSKEL_TOKEN_JOB="+job, "BPF2LSKEL_TOKEN_AT="+p.at)
	if p.path != "-" {
		cmd.Env = append(cmd.Env, "LIBBPF_BPF_TOKEN_PATH="+p.path)
	}
	cmd.ExtraFiles = []*os.File{theirs}
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  unix.CLONE_NEWUSER | unix.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{Size: 1}}, GidMappings: []syscall.SysProcIDMap{{Size: 1}},
	}
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	theirs.Close()
	if err := delegate(ours, p.delegated); err != nil {
		unix.Close(ours)
		cmd.Wait()
		t.Fatalf("delegate: %v\n%s", err, out.String())
	}
	if err := cmd.Wait(); err != nil {
		t.Fatalf("child: %v\n%s", err, out.String())
	}
	_, said, ok := strings.Cut(out.String(), "child: ")
	if !ok {
		t.Fatalf("child: %s", out.String())
	}
	said, _, _ = strings.Cut(said, "\n")
	return said
}

// delegate takes the child's file system, sets its options, which requires CAP_SYS_ADMIN in the
// initial user namespace, and returns it as a mount.
func delegate(socket int, d delegated) error {
	fs, err := receive(socket)
	if err != nil {
		return err
	}
	defer unix.Close(fs)
	for option, value := range map[string]string{
		"delegate_cmds": d.cmds, "delegate_maps": d.maps, "delegate_progs": d.progs, "delegate_attachs": d.attachs,
	} {
		if value == "" {
			continue
		}
		if err := unix.FsconfigSetString(fs, option, value); err != nil {
			return fmt.Errorf("%s=%s: %w", option, value, err)
		}
	}
	if err := unix.FsconfigCreate(fs); err != nil {
		return fmt.Errorf("fsconfig: %w", err)
	}
	mount, err := unix.Fsmount(fs, unix.FSMOUNT_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("fsmount: %w", err)
	}
	defer unix.Close(mount)
	return send(socket, mount)
}

func send(socket, fd int) error { return unix.Sendmsg(socket, []byte{1}, unix.UnixRights(fd), nil, 0) }

func receive(socket int) (int, error) {
	oob := make([]byte, unix.CmsgSpace(4))
	_, n, _, _, err := unix.Recvmsg(socket, make([]byte, 1), oob, unix.MSG_CMSG_CLOEXEC)
	if err != nil {
		return -1, err
	}
	messages, err := unix.ParseSocketControlMessage(oob[:n])
	if err != nil || len(messages) != 1 {
		return -1, fmt.Errorf("the other side sent no file: %v", err)
	}
	fds, err := unix.ParseUnixRights(&messages[0])
	if err != nil {
		return -1, err
	}
	return fds[0], nil
}

// mountDelegated mounts the child's file system.
func mountDelegated(at string) error {
	const socket = 3
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return err
	}
	fs, err := unix.Fsopen("bpf", unix.FSOPEN_CLOEXEC)
	if err != nil {
		return fmt.Errorf("fsopen: %w", err)
	}
	if err := send(socket, fs); err != nil {
		return err
	}
	unix.Close(fs)
	mount, err := receive(socket)
	if err != nil {
		return err
	}
	if err := unix.MoveMount(mount, "", unix.AT_FDCWD, at, unix.MOVE_MOUNT_F_EMPTY_PATH); err != nil {
		return fmt.Errorf("move mount to %s: %w", at, err)
	}
	unix.Close(mount)
	unix.Close(socket)
	return nil
}

// specOf generates an object in testdata.
func specOf(name string, options loader.Options) (*runtime.Spec, error) {
	path, err := testobj.Build(context.Background(), name, testobj.Options{})
	if err != nil {
		return nil, err
	}
	obj, err := object.Read(path)
	if err != nil {
		return nil, err
	}
	return loader.Generate(obj, options)
}

func openFiles() int {
	files, _ := os.ReadDir("/proc/self/fd")
	return len(files)
}

// jobs are the tasks of children.
var jobs = map[string]func() error{
	// load:NAME... loads objects and checks for open files.
	"load": func() error { return loadAll(loader.Options{}) },
	"sign": func() error { return loadAll(loader.Options{Signed: true}) },
}

func loadAll(options loader.Options) error {
	_, names, _ := strings.Cut(os.Getenv("BPF2LSKEL_TOKEN_JOB"), ":")
	for name := range strings.SplitSeq(names, ",") {
		spec, err := specOf(name, options)
		if err != nil {
			return err
		}
		before := openFiles()
		s, err := runtime.Load(spec, nil)
		if err != nil {
			if after := openFiles(); after != before {
				return fmt.Errorf("%d files before, %d after %w", before, after, err)
			}
			if errors.Is(err, runtime.ErrSigned) {
				return fmt.Errorf("ErrSigned: %w", err)
			}
			return err
		}
		for i := range spec.Maps {
			if _, err := s.Map(i).Info(); err != nil {
				return err
			}
		}
		for i := range spec.Programs {
			if !spec.Programs[i].AutoLoad {
				continue
			}
			if _, err := s.Program(i).ID(); err != nil {
				return err
			}
		}
		s.Close()
		if after := openFiles(); after != before {
			return fmt.Errorf("%s: %d files before, %d after", name, before, after)
		}
	}
	return nil
}

func TestChild(t *testing.T) {
	job, _, _ := strings.Cut(os.Getenv("BPF2LSKEL_TOKEN_JOB"), ":")
	if job == "" {
		return // not a child
	}
	err := mountDelegated(os.Getenv("BPF2LSKEL_TOKEN_AT"))
	if err == nil {
		err = jobs[job]()
	}
	said := ""
	if err != nil {
		said = err.Error()
	}
	fmt.Printf("child: %s\n", said)
	os.Stdout.Close()
	unix.Exit(0)
}

// Objects with global data, maps of maps, CO-RE, or a loader in parts load in a user namespace.
func TestToken(t *testing.T) {
	const objects = "load:globals,map_in_map,core_fields,core_shared,many_programs,big_60"
	elsewhere := t.TempDir()
	for name, p := range map[string]place{
		"at the usual place":         {all, bpffs, "-"},
		"where the environment says": {all, elsewhere, elsewhere},
	} {
		t.Run(name, func(t *testing.T) {
			if said := inNamespace(t, objects, p); said != "" {
				t.Error(said)
			}
		})
	}
}

// What the runtime creates outside of the loader uses the token, too.
func TestTokenOutside(t *testing.T) {
	said := inNamespace(t, "load:storage_task", place{all, bpffs, "-"})
	if strings.Contains(said, "create map") && strings.Contains(said, unix.ENOMEM.Error()) {
		guest.NotHere(t, "local storage wants cmpxchg16b: %s", said)
	}
	if said != "" {
		t.Error(said)
	}
}

// Errors name what the token does not delegate, and other problems.
func TestTokenErrors(t *testing.T) {
	some := delegated{"map_create:prog_load:btf_load", "array", "syscall", "any"}
	with := func(change func(*delegated)) place {
		d := some
		change(&d)
		return place{d, bpffs, "-"}
	}
	for name, tt := range map[string]struct {
		object string
		place
		want []string
	}{
		"forbidden":      {"load:globals", place{all, bpffs, ""}, []string{"create the loader's map: operation not permitted"}},
		"no such path":   {"load:globals", place{all, bpffs, "/no/such"}, []string{"create a BPF token of $LIBBPF_BPF_TOKEN_PATH, /no/such"}},
		"not a bpffs":    {"load:globals", place{all, bpffs, "/proc"}, []string{"$LIBBPF_BPF_TOKEN_PATH, /proc", "invalid argument", "not the root of a BPF file system"}},
		"nothing":        {"load:globals", place{delegated{}, bpffs, "-"}, []string{"operation not permitted", "/sys/fs/bpf delegates nothing: mount it with delegate_cmds"}},
		"no maps":        {"load:globals", with(func(d *delegated) { d.maps = "hash" }), []string{"does not delegate maps of type array, the type of the loader's map (delegate_maps)"}},
		"no loader":      {"load:globals", with(func(d *delegated) { d.progs = "xdp" }), []string{"does not delegate programs of type syscall, the type of the loader (delegate_progs)"}},
		"no attach type": {"load:globals", with(func(d *delegated) { d.attachs = "xdp" }), []string{"does not delegate attach type 0, that of the loader (delegate_attachs)"}},
		"no commands":    {"load:globals", with(func(d *delegated) { d.cmds = "map_create:prog_load" }), []string{"load BTF", "does not delegate the command btf_load (delegate_cmds)"}},
		"no programs":    {"load:minimal", with(func(*delegated) {}), []string{"load program ", "does not delegate programs of type ", "(delegate_progs)"}},
		"no hashes":      {"load:map_percpu_lru", with(func(*delegated) {}), []string{"create map ", "does not delegate maps of type ", "(delegate_maps)"}},
		"signed":         {"sign:globals", place{all, bpffs, "-"}, []string{"ErrSigned", "BPF token"}},
	} {
		t.Run(name, func(t *testing.T) {
			said := inNamespace(t, tt.object, tt.place)
			for _, text := range tt.want {
				if !strings.Contains(said, text) {
					t.Errorf("got %q, want %q in it", said, text)
				}
			}
		})
	}
}
