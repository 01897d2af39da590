package docs

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/bpf2lskel/bpf2lskel/internal/testfs"
)

// scenario prepares the directory in which a document's commands run, one block after the other.
type scenario func(t *testing.T, s *shell)

// scenarios maps documents to scenarios. TestStart runs the commands of start.md.
var scenarios = map[string]scenario{
	"../README.md":       withCounter,
	"../CONTRIBUTING.md": func(*testing.T, *shell) {},
	"ci.md":              withPackage,
	"debug.md":           func(t *testing.T, s *shell) { s.dir, _ = walkStart(t, false) },
	"from-bpf2go.md":     withCounter,
	"guide.md": func(t *testing.T, s *shell) {
		s.dir, _ = walkStart(t, false)
		s.copy(t, "examples/xdp/counter.bpf.c")
		s.run(t, "clang -O2 -g -target bpf -idirafter /usr/include/$(uname -m)-linux-gnu -c counter.bpf.c -o counter.bpf.o")
	},
	"signing.md": withPackage,
}

// withCounter creates a module with the source of examples/xdp.
func withCounter(t *testing.T, s *shell) {
	s.copy(t, "examples/xdp/counter.bpf.c")
	s.run(t, "go mod init example.com/counter")
}

// withPackage creates a module that also has the tool and a generated package.
func withPackage(t *testing.T, s *shell) {
	withCounter(t, s)
	s.run(t, s.special(t, nil, "go get -tool github.com/bpf2lskel/bpf2lskel/cmd/bpf2lskel"))
	s.run(t, "go tool bpf2lskel -o skel counter.bpf.c")
}

// Commands in the documents run, in order.
func TestShell(t *testing.T) { runDocuments(t, false) }

// Commands in the documents that load BPF objects run, too.
func TestShellThatLoads(t *testing.T) { runDocuments(t, true) }

// loads matches commands that load.
const loads = "bpf2lskel load "

func runDocuments(t *testing.T, load bool) {
	for file, prepare := range scenarios {
		var run []*block
		any := false
		for _, b := range blocks(t, file) {
			if (b.lang == "sh" || b.isGenerate()) && !b.made {
				run = append(run, b)
				any = any || strings.Contains(b.text, loads)
			}
		}
		if len(run) == 0 {
			t.Errorf("%s has no commands", file)
		}
		if load && !any {
			continue
		}
		t.Run(strings.TrimSuffix(filepath.Base(file), ".md"), func(t *testing.T) {
			s := newShell(t, load)
			prepare(t, s)
			for _, b := range run {
				script := ""
				for line := range strings.Lines(strings.ReplaceAll(b.text, "\\\n", " ")) {
					script += s.special(t, b, strings.TrimSpace(line)) + "\n"
				}
				s.runBlock(t, b, script)
			}
		})
	}
}

// shell runs commands in a directory.
type shell struct {
	dir, root string
	env       []string
	bpffs     string // replaces /sys/fs/bpf; "" if nothing is loaded
}

func newShell(t *testing.T, load bool) *shell {
	t.Helper()
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	tool(t)
	// The documents use keyctl to add a certificate to a keyring, but tests do not install it. This
	// stand-in accepts the same arguments; examples/signed tests the effect in the kernel.
	bin := t.TempDir()
	keyctl := "#!/bin/sh\n[ \"$*\" = 'padd asymmetric  @u' ] || { echo \"keyctl $*\"; exit 1; }\nexec openssl x509 -inform DER -noout\n"
	if err := os.WriteFile(filepath.Join(bin, "keyctl"), []byte(keyctl), 0o755); err != nil {
		t.Fatal(err)
	}
	s := &shell{dir: t.TempDir(), root: root, env: append(moduleEnv(t), "PATH="+toolDir+":"+bin+":"+os.Getenv("PATH"))}
	if load {
		s.bpffs = testfs.BPF(t)
	}
	return s
}

// moduleEnv returns an environment in which the project comes from the checkout, and other modules
// at the versions that it requires, without network access.
func moduleEnv(t *testing.T) []string {
	t.Helper()
	cache, err := exec.Command("go", "env", "GOMODCACHE").Output()
	if err != nil {
		t.Fatal(err)
	}
	proxy := "GOPROXY=file://" + filepath.Join(strings.TrimSpace(string(cache)), "cache", "download")
	return append(os.Environ(), "GOFLAGS=-mod=mod", "GOWORK=off", "GOSUMDB=off", proxy)
}

// dryMake checks that the targets exist. Even with -n, make would run lines that call make.
const dryMake = "make -s -n SHELL=/bin/true"

// special returns what to run instead of a command, which is usually the command itself.
func (s *shell) special(t *testing.T, b *block, command string) string {
	t.Helper()
	const nothing = ":"
	words := strings.Fields(command)
	if generate, ok := strings.CutPrefix(command, "//go:generate "); ok {
		return generate
	}
	switch {
	case len(words) == 0 || strings.HasPrefix(command, "#"):
		return nothing
	case words[0] == "apt-get":
		checkPackages(t, b, command)
		return nothing
	case words[0] == "make": // takes minutes
		target, _, _ := strings.Cut(command, "#")
		return dryMake + " -C " + s.root + " " + strings.TrimPrefix(target, "make")
	case strings.HasPrefix(command, "go get -tool "):
		return "go mod edit -replace " + module + "=" + s.root + "\n" + command
	case strings.Contains(command, "internal/vmtest@latest"): // boots guests
		checkMentions(t, b, "../internal/vmtest/outside_test.go", command)
		return nothing
	case strings.Contains(command, "run ./release "): // commits and tags
		verb := regexp.MustCompile(`run \./release (\w+)`).FindStringSubmatch(command)[1]
		checkMentions(t, b, "../internal/tools/release/release_test.go", fmt.Sprintf("release(%q", verb))
		return nothing
	case strings.HasPrefix(command, loads):
		if s.bpffs == "" {
			return nothing // run by TestShellThatLoads
		}
		return strings.ReplaceAll(command, "/sys/fs/bpf", s.bpffs)
	}
	return command
}

// checkMentions checks that a file, which belongs to the test that runs a command, contains it.
func checkMentions(t *testing.T, b *block, file, text string) {
	t.Helper()
	source, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(source), text) {
		t.Errorf("%v: %s does not run %q", b, file, text)
	}
}

func (s *shell) copy(t *testing.T, file string) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(s.root, file))
	if err == nil {
		err = os.WriteFile(filepath.Join(s.dir, filepath.Base(file)), data, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func (s *shell) run(t *testing.T, script string) {
	t.Helper()
	s.runBlock(t, &block{file: "set-up"}, script)
}

func (s *shell) runBlock(t *testing.T, b *block, script string) {
	t.Helper()
	cmd := exec.Command("bash", "-ec", script)
	cmd.Dir, cmd.Env = s.dir, s.env
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s\n%v\n%s", b, script, err, out)
	}
}

// In the text of documents, make targets exist, and arguments of go test are packages.
func TestInlineCommands(t *testing.T) {
	span := regexp.MustCompile("`((?:make|go test) [^`]*)`")
	n := 0
	for _, file := range files(t) {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range span.FindAllStringSubmatch(string(raw), -1) {
			n++
			command, isMake := strings.CutPrefix(m[1], "make ")
			cmd := exec.Command("bash", "-ec", dryMake+" "+command)
			if !isMake {
				packages := regexp.MustCompile(`\./\S+`).FindAllString(m[1], -1)
				cmd = exec.Command("go", append([]string{"list"}, packages...)...)
			}
			cmd.Dir = ".."
			if out, err := cmd.CombinedOutput(); err != nil {
				var exit *exec.ExitError
				if errors.As(err, &exit) {
					t.Errorf("%s: %s: %v\n%s", file, m[1], err, out)
				} else {
					t.Fatal(err)
				}
			}
		}
	}
	if n < 10 {
		t.Errorf("only %d commands", n)
	}
}

// The workflow in ci.md is valid for GitHub, and the packages that it installs exist.
func TestWorkflow(t *testing.T) {
	n := 0
	for _, b := range blocks(t, "ci.md") {
		if b.lang != "yaml" {
			continue
		}
		n++
		cmd := exec.Command("go", "tool", "-modfile=internal/tools/go.mod", "actionlint", "-")
		cmd.Dir = ".."
		cmd.Stdin = strings.NewReader(b.text)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%v: %v\n%s", b, err, out)
		}
		for line := range strings.Lines(b.text) {
			if _, packages, ok := strings.Cut(line, "--no-install-recommends "); ok {
				checkPackages(t, b, "apt-get install "+packages)
			}
			if _, command, ok := strings.Cut(line, "- run: go "); ok {
				other := 0
				for _, c := range blocks(t, "ci.md") {
					if c.lang == "sh" && strings.Contains(c.text, strings.Split("go "+strings.TrimSpace(command), " -kernel")[0]) {
						other++
					}
				}
				if other == 0 {
					t.Errorf("%v: %q is not a command on the page that tests run", b, command)
				}
			}
		}
	}
	if n != 1 {
		t.Errorf("%d workflows", n)
	}
}
