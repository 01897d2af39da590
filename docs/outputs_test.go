package docs

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/bpf2lskel/bpf2lskel/internal/docpart"
	"github.com/bpf2lskel/bpf2lskel/internal/testobj"
	"github.com/bpf2lskel/bpf2lskel/runtime"
)

// The usage in reference.md is up to date.
func TestReferenceUsage(t *testing.T) {
	out, err := exec.Command(tool(t), "help").Output()
	if err != nil {
		t.Fatal(err)
	}
	usage, _, ok := strings.Cut(strings.TrimPrefix(string(out), "Usage: "), "\n\n")
	if !ok {
		t.Fatalf("no usage in\n%s", out)
	}
	text := ""
	for line := range strings.Lines(usage) {
		text += strings.TrimSpace(line) + "\n"
	}
	docpart.Check(t, "reference.md", "usage", "```text\n"+text+"```\n", *update)
}

// outputs produce what documents show: texts that begin with the command, if there is one.
var outputs = map[string]func(t *testing.T) string{
	"execs":     nil, // TestStart
	"preflight": preflightOutput,
	"kfunc": func(t *testing.T) string {
		return quotedIn(t, "../runtime/kfunccheck/kfunccheck_test.go", "argument 3 (tuple__sz)")
	},
	"token": tokenOptions,
}

// Output shown in documents is up to date.
func TestOutputs(t *testing.T) {
	for _, file := range files(t) {
		for _, b := range blocks(t, file) {
			name, ok := strings.CutPrefix(b.about, "output: ")
			if !ok || outputs[name] == nil {
				continue
			}
			switch got := outputs[name](t); {
			case got == b.text:
			case *update:
				raw, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				begin := "<!-- " + b.about + " -->\n```text\n"
				if err := os.WriteFile(file, []byte(strings.Replace(string(raw), begin+b.text, begin+got, 1)), 0o644); err != nil {
					t.Fatal(err)
				}
			default:
				t.Errorf("%v shows\n%s\nwant\n%s", b, b.text, got)
			}
		}
	}
}

// preflightOutput returns preflight's output for the package internal/kindtest/probes and a kernel
// with the interface of the C library's headers, which on Debian 12 are Linux 6.1's.
func preflightOutput(t *testing.T) string {
	dir := t.TempDir()
	source := "#include <linux/bpf.h>\nstruct task_struct { int pid; } task;\n" // every kernel has one
	for i, typ := range []string{"enum bpf_cmd", "enum bpf_map_type", "enum bpf_prog_type", "enum bpf_attach_type", "enum bpf_func_id", "enum bpf_core_relo_kind"} {
		source += typ + " v" + string(rune('0'+i)) + ";\n"
	}
	args := []string{"-O2", "-g", "-target", "bpf", "-x", "c", "-c", "-o", filepath.Join(dir, "6.1.btf"), "-"}
	directories, _ := filepath.Glob("/usr/include/*-linux-gnu*")
	for _, directory := range directories {
		args = append(args, "-idirafter", directory)
	}
	cmd := exec.Command("clang", args...)
	cmd.Stdin = strings.NewReader(source)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	skel, err := filepath.Abs("../internal/kindtest/probes")
	if err == nil {
		err = os.Symlink(skel, filepath.Join(dir, "skel"))
	}
	if err != nil {
		t.Fatal(err)
	}
	command := "bpf2lskel preflight -btf 6.1.btf skel"
	cmd = exec.Command(tool(t), strings.Fields(command)[1:]...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return "$ " + command + "\n" + string(out)
}

// quotedIn returns the error that a test expects: the string in its source that begins with text.
func quotedIn(t *testing.T, file, text string) string {
	t.Helper()
	source, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`"([^"]*)", "(` + regexp.QuoteMeta(text) + `[^"]*)"`).FindSubmatch(source)
	if m == nil {
		t.Fatalf("%s does not expect %q", file, text)
	}
	return "kernel function " + string(m[1]) + ": " + string(m[2]) + "\n"
}

// tokenOptions are the mount options in the documentation of package token, which that package's
// tests use.
func tokenOptions(t *testing.T) string {
	t.Helper()
	source, err := os.ReadFile("../runtime/token/token.go")
	if err != nil {
		t.Fatal(err)
	}
	text := ""
	for _, m := range regexp.MustCompile(`(?m)^//\t(delegate_.*)$`).FindAllStringSubmatch(string(source), -1) {
		text += m[1] + "\n"
	}
	return text
}

func inspect(t *testing.T, object string) string {
	t.Helper()
	out, err := exec.Command(tool(t), "inspect", testobj.Compile(t, object, testobj.Options{})).CombinedOutput()
	if err != nil {
		t.Fatalf("inspect: %v\n%s", err, out)
	}
	return string(out)
}

// Loader instructions shown in architecture.md exist in this order, perhaps with other numbers.
func TestListings(t *testing.T) {
	shape := func(line string) string {
		line, _, _ = strings.Cut(line, ";")
		return regexp.MustCompile(`\b\d+\b`).ReplaceAllString(strings.TrimSpace(line), "N")
	}
	number := regexp.MustCompile(`^ *\d+  `)
	n := 0
	for _, file := range files(t) {
		for _, b := range blocks(t, file) {
			object, ok := strings.CutPrefix(b.about, "inspect: ")
			if b.lang != "asm" || !ok {
				continue
			}
			n++
			_, listing, _ := strings.Cut(inspect(t, object), "\nloader\n")
			var all []string
			for line := range strings.Lines(listing) {
				if number.MatchString(line) {
					all = append(all, shape(number.ReplaceAllString(line, "")))
				}
			}
			for line := range strings.Lines(b.text) {
				for len(all) > 0 && all[0] != shape(line) {
					all = all[1:]
				}
				if len(all) == 0 {
					t.Errorf("%v: %q is not in the loader of %s, after the lines before it", b, strings.TrimSpace(line), object)
					break
				}
			}
		}
	}
	if n == 0 {
		t.Error("no listing")
	}
}

// The first errors in errors.md are the command's errors for objects in testdata.
func TestErrorsShown(t *testing.T) {
	n := 0
	for _, b := range blocks(t, "errors.md") {
		for line := range strings.Lines(b.text) {
			n++
			line = strings.TrimSpace(line)
			object, _, _ := strings.Cut(strings.TrimPrefix(line, "load "), ":")
			out, err := exec.Command(tool(t), "load", testobj.Compile(t, object, testobj.Options{})).CombinedOutput()
			if err == nil {
				t.Errorf("%s was loaded, want an error", object)
			}
			if !strings.Contains(string(out), ": "+line+"\n") {
				t.Errorf("%v: no %q in the command's output\n%s", b, line, out)
			}
		}
	}
	if n == 0 {
		t.Error("no errors")
	}
}

// The error in upgrade.md about a pinned map is the load's.
func TestPinnedMapErrorShown(t *testing.T) {
	raw, err := os.ReadFile("upgrade.md")
	if err != nil {
		t.Fatal(err)
	}
	want := (&runtime.IncompatibleMapError{Map: "counts", Path: "/sys/fs/bpf/counts", Field: "value size", Have: 16, Want: 24}).Error()
	if !strings.Contains(string(raw), "`"+want+"`") {
		t.Errorf("upgrade.md does not show %q", want)
	}
}
