package docs

import (
	"bufio"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// start.md works as written: its files, its commands in order, and the output of its program about
// processes that the test starts.
func TestStart(t *testing.T) {
	if os.Getuid() != 0 {
		t.Fatal("needs root")
	}
	dir, program := walkStart(t, true)
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, filepath.Join(dir, program))
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cmd.Process.Kill() }()
	lines := bufio.NewScanner(out)
	next := func() string {
		if !lines.Scan() {
			t.Fatalf("the program ends: %v, %v", lines.Err(), cmd.Wait())
		}
		return lines.Text()
	}

	// Lines that the page shows, by kind: the heading, a process, a count.
	var shown []string
	for _, b := range blocks(t, "start.md") {
		if b.about == "output: execs" {
			shown = strings.Split(strings.TrimSpace(b.text), "\n")
		}
	}
	if len(shown) < 3 {
		t.Fatal("the page does not show the program's output")
	}
	if got := next(); got != shown[0] {
		t.Errorf("the program's first line is %q, the page shows %q", got, shown[0])
	}

	// A name that no other process on the machine has.
	data, err := os.ReadFile("/bin/true")
	if err != nil {
		t.Fatal(err)
	}
	own := filepath.Join(t.TempDir(), "startdoc")
	if err := os.WriteFile(own, data, 0o755); err != nil {
		t.Fatal(err)
	}
	child := exec.Command(own)
	if err := child.Run(); err != nil {
		t.Fatal(err)
	}
	process := regexp.MustCompile(`^(\d+) +(\d+) +(.*)$`)
	events := 0
	for {
		line := next()
		m := process.FindStringSubmatch(line)
		if m == nil {
			t.Fatalf("%q is not about a process", line)
		}
		events++
		if m[3] == "startdoc" {
			if m[1] != strconv.Itoa(child.Process.Pid) || m[2] != "0" {
				t.Errorf("%q is about process %d of user 0", line, child.Process.Pid)
			}
			break
		}
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	var rest []string
	for lines.Scan() {
		rest = append(rest, lines.Text())
	}
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
	shape := func(line string) string { return regexp.MustCompile(`\d+`).ReplaceAllString(line, "N") }
	total := 0
	for _, line := range rest {
		if process.MatchString(line) { // after the awaited one
			continue
		}
		if !slices.ContainsFunc(shown, func(s string) bool { return shape(s) == shape(line) }) {
			t.Errorf("the program prints %q, and the page shows nothing like it", line)
		}
		if m := regexp.MustCompile(`^user \d+ started (\d+)$`).FindStringSubmatch(line); m != nil {
			n, _ := strconv.Atoi(m[1])
			total += n
		}
	}
	if total < events {
		t.Errorf("%d processes by user, after %d events", total, events)
	}
	for _, line := range shown[1:] {
		if line != "^C" && !process.MatchString(line) && !slices.ContainsFunc(rest, func(s string) bool { return shape(s) == shape(line) }) {
			t.Errorf("the page shows %q, and the program prints nothing like it", line)
		}
	}
}

// walkStart follows start.md in order, up to the last command, which runs the program. It returns
// the module's directory and the program's name. Without build it stops after go generate.
func walkStart(t *testing.T, build bool) (dir, program string) {
	t.Helper()
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	dir = t.TempDir()
	env := moduleEnv(t)
	sh := func(b *block, command string) {
		t.Helper()
		cmd := exec.Command("sh", "-ec", command)
		cmd.Dir = dir
		cmd.Env = env
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s: %v\n%s", b, command, err, out)
		}
	}
	var clone string // the command for a clone, which comes one block too late
	all := blocks(t, "start.md")
	for _, b := range all {
		if strings.HasPrefix(b.text, "go mod edit -replace ") {
			clone = strings.Replace(strings.TrimSpace(b.text), "../bpf2lskel", root, 1)
		}
	}
	if !strings.Contains(clone, "="+root) {
		t.Fatal("start.md has no command for a clone")
	}
	for _, b := range all {
		if name, ok := strings.CutPrefix(b.about, "file: "); ok {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(b.text), 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if b.lang != "sh" || strings.HasPrefix(b.text, "go mod edit") {
			continue
		}
		for command := range strings.Lines(b.text) {
			command = strings.TrimSpace(command)
			switch {
			case strings.HasPrefix(command, "apt-get "):
				checkPackages(t, b, command)
			case strings.HasPrefix(command, "mkdir "):
				sh(b, command)
				dir = filepath.Join(dir, strings.Fields(command)[1])
			case strings.HasPrefix(command, "sudo ./"):
				return dir, strings.TrimPrefix(command, "sudo ")
			case command == "go build" && !build:
			case strings.HasPrefix(command, "go get "):
				sh(b, clone)
				sh(b, command)
			default:
				sh(b, command)
			}
		}
	}
	t.Fatal("start.md does not run its program")
	return "", ""
}

// checkPackages checks that the packages in a command are the ones that CI installs for the
// generator.
func checkPackages(t *testing.T, b *block, command string) {
	t.Helper()
	out, err := exec.Command("sh", "-ec", `eval "$(sed -n '/^packages_of() {/,/^}/p' ../.ci/setup.sh)"; packages_of generate; packages_of vm`).Output()
	if err != nil {
		t.Fatal(err)
	}
	action, err := os.ReadFile("../.github/actions/setup/action.yml") // before it calls setup.sh
	if err != nil {
		t.Fatal(err)
	}
	known := append(strings.Fields(string(out)), strings.Fields(string(action))...)
	for _, word := range strings.Fields(command)[2:] {
		if !strings.HasPrefix(word, "-") && !slices.Contains(known, word) {
			t.Errorf("%v: .ci/setup.sh does not install %s", b, word)
		}
	}
}
