package main

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// userProgram uses a generated package as a program would.
const userProgram = `package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/bpf2lskel/bpf2lskel/runtime"

	"example.com/user/plain"
	"example.com/user/skel"
)

func main() {
	s, err := skel.Open()
	report(err)
	if err == nil {
		use(s)
	}
	_, err = plain.Load()
	report(err)
}

func report(err error) { fmt.Println(errors.Is(err, errors.ErrUnsupported), err) }

func use(s *skel.Skeleton) {
	defer s.Close()
	s.Rodata.Limit = 1
	s.Maps.Counts.SetMaxEntries(16)
	if err := s.Load(); err != nil {
		var failed *runtime.LoadError
		fmt.Println(errors.As(err, &failed))
	}
	link, err := s.Progs.Count.AttachXDP(1, nil)
	if err == nil {
		defer link.Close()
	}
	it := s.Maps.Counts.Iterate()
	for k, v := range it.All() {
		fmt.Println(k, v)
	}
	fmt.Println(it.Err())
	r, err := s.Maps.Events.Reader()
	if err != nil {
		return
	}
	for e := range r.Iterate(context.Background()).All() {
		fmt.Println(e)
	}
}
`

// Programs that import generated packages build and vet on systems without BPF, and report at run
// time that it is not supported.
func TestOtherSystems(t *testing.T) {
	inModule(t)
	write(t, "plain.bpf.c", "//go:build ignore\n\n"+source)
	write(t, "counter.bpf.c", "//go:build ignore\n\n"+source+`const volatile __u32 limit;
struct { __uint(type, BPF_MAP_TYPE_RINGBUF); __uint(max_entries, 4096); } events SEC(".maps");
SEC("xdp") int note(struct xdp_md *ctx) { __u32 n = limit; bpf_ringbuf_output(&events, &n, 4, 0); return XDP_PASS; }
`)
	mustRun(t, "-o", "skel", "counter.bpf.c")
	mustRun(t, "-o", "plain", "plain.bpf.c")
	write(t, "main.go", userProgram)
	for _, system := range []string{"darwin/arm64", "windows/amd64"} {
		goos, goarch, _ := strings.Cut(system, "/")
		for _, args := range [][]string{{"vet", "./..."}, {"build", "-o", os.DevNull, "."}} {
			cmd := exec.Command("go", args...)
			cmd.Env = append(os.Environ(), "GOOS="+goos, "GOARCH="+goarch, "CGO_ENABLED=0")
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%s: go %v: %v\n%s", system, args, err, out)
			}
		}
	}
	// Run the same code here, as it would run there.
	out, err := exec.Command("go", "run", "-tags", "bpf2lskel_standin", ".").CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	if len(lines) != 2 {
		t.Errorf("output\n%s", out)
	}
	for _, line := range lines {
		if !strings.HasPrefix(line, "true ") || !strings.Contains(line, "BPF needs Linux") {
			t.Errorf("output %q", line)
		}
	}
}
