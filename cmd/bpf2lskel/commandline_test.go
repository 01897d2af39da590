package main

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// A wrong command line gets a reason, not a list of all flags.
func TestWrongCommandLines(t *testing.T) {
	t.Chdir(t.TempDir())
	write(t, "word", "")
	for _, test := range []struct{ args, want string }{
		{"", "want a source or object file\nRun 'bpf2lskel help' for usage.\n"},
		{"frobnicate", `unknown command "frobnicate": want help, inspect, load, preflight, sign, verify, version, or flags and a source`},
		{"laod x.o", `unknown command "laod" (did you mean "load"?): want `},
		{"help laod", `unknown command "laod" (did you mean "load"?): want `},
		{"-outputdir x a.bpf.c", "unknown flag -outputdir (did you mean -output-dir?)\n"},
		{"-frobnicate a.bpf.c", "unknown flag -frobnicate\n"},
		{"a.bpf.c -o skel", "flag -o after the file: put flags before the file"},
		{"a.bpf.c b.bpf.c", "want one source or object file, got a.bpf.c, b.bpf.c: "},
		{"-o", "flag needs an argument: -o\n"},
		{"-ringbuf x a.bpf.c", `invalid value "x" for flag -ringbuf: want MAP=TYPE`},
		{"load", "want one object file, got 0 arguments\nRun 'bpf2lskel help load' for usage.\n"},
		{"inspect a.o b.o", "want one object file, got 2 arguments\n"},
		{"load -jsn a.o", "unknown flag -jsn (did you mean -json?)\n"},
		{"sign", "want the directory of a package\nRun 'bpf2lskel help sign' for usage.\n"},
		{"sign x", "want -key and -cert, or -cmd\n"},
		{"verify -cert c", "want the directory of a package\n"},
		{"verify x", "-cert is required\n"},
	} {
		status, out := bpf2lskel(strings.Fields(test.args)...)
		if status != 2 || !strings.HasPrefix(out, "bpf2lskel: "+test.want) {
			t.Errorf("bpf2lskel %s: exit status %d, want 2 and %q, got\n%s", test.args, status, test.want, out)
		}
		if n := strings.Count(out, "\n"); n > 2 {
			t.Errorf("bpf2lskel %s: %d lines of output, want fewer:\n%s", test.args, n, out)
		}
	}
	// An argument that is a file is a source, even without an extension.
	mustFail(t, "word: ", "word")
}

func TestHelpAndVersion(t *testing.T) {
	for _, args := range [][]string{{"help"}, {"-h"}, {"-help"}} {
		if out := mustRun(t, args...); !strings.HasPrefix(out, "Usage: bpf2lskel [flags] SOURCE.c") ||
			!strings.Contains(out, "  -makebase directory\n") || strings.Contains(out, "global-types") {
			t.Errorf("%v: output\n%s", args, out)
		}
	}
	for verb := range verbs {
		help, h := mustRun(t, "help", verb), mustRun(t, verb, "-h")
		if !strings.HasPrefix(help, "Usage: bpf2lskel "+verb) || help != h {
			t.Errorf("help %s prints\n%sbut %s -h\n%s", verb, help, verb, h)
		}
	}
	for _, arg := range []string{"version", "-version"} {
		if out := mustRun(t, arg); !regexp.MustCompile(`^bpf2lskel \S.*, built with go1\.\S+\n$`).MatchString(out) {
			t.Errorf("%s: output %q", arg, out)
		}
	}
}

// Each command line of bpf2go is answered with one that works here.
func TestBpf2goCommandLines(t *testing.T) {
	inModule(t)
	write(t, "counter.bpf.c", "#include \"counter.h\"\n"+source)
	if err := os.Mkdir("h", 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, "h/counter.h", "struct event { int pid; };\nstruct event *unused;\n")
	for _, test := range []struct {
		args, want string
		says       []string
	}{
		{"counter counter.bpf.c -- -Ih", "bpf2lskel -o counter counter.bpf.c -- -Ih", []string{"counter counter.bpf.c is bpf2go's syntax"}},
		{
			"-cc clang -no-strip -target amd64 -type event -go-package main -output-dir gen -cflags -Ih Counter counter.bpf.c",
			"bpf2lskel -o gen/counter -cc clang -no-strip -target amd64 -type event -go-package main -cflags -Ih counter.bpf.c", nil,
		},
		{
			"-no-global-types -output-stem=x -output-suffix _test -tags=linux -verbose counter counter.bpf.c -- -Ih",
			"bpf2lskel -o counter -tags=linux counter.bpf.c -- -Ih",
			[]string{"-no-global-types: drop it: the types", "-output-stem: files are named after the source", "-output-suffix: ", "-verbose: "},
		},
		{
			"-no-global-types -makebase . -cflags -Ih counter.bpf.c", "bpf2lskel -makebase . -cflags -Ih counter.bpf.c",
			[]string{"bpf2lskel does not have these flags of bpf2go:", "-no-global-types: "},
		},
	} {
		status, out := bpf2lskel(strings.Fields(test.args)...)
		if status != 2 {
			t.Errorf("%s: exit status %d", test.args, status)
		}
		for _, want := range append(test.says, "\nUse instead: "+test.want+"\n") {
			if !strings.Contains(out, want) {
				t.Errorf("%s: no %q in\n%s", test.args, want, out)
			}
		}
		mustRun(t, strings.Fields(test.want)[1:]...)
	}
	if got := commandLine([]string{"-cflags", `-DA="it's"`, "-o", ""}, []string{"-DB=1 2"}); got != `bpf2lskel -cflags '-DA="it'\''s"' -o '' -- '-DB=1 2'` {
		t.Errorf("quoted %s", got)
	}
}

func TestTags(t *testing.T) {
	for in, want := range map[string]string{
		"foo":                "foo",
		"foo,!bar":           "foo && !bar",
		"linux && !noebpf":   "linux && !noebpf",
		"(a || b) && c":      "(a || b) && c",
		"a || b, c":          "(a || b) && c",
		"linux&&!noebpf,cgo": "linux && !noebpf && cgo",
	} {
		got, err := parseTags(in)
		if err != nil || got.String() != want {
			t.Errorf("%q: got %v, %v, want %s", in, got, err, want)
		}
	}
	for _, in := range []string{"a b", "a,", ",", "a &&", "!", "a-b", "!!a"} {
		if got, err := parseTags(in); err == nil {
			t.Errorf("%q: no error, but %v", in, got)
		}
	}
	inModule(t)
	write(t, "counter.bpf.c", source)
	mustBeWrong(t, `-tags "linux noebpf": `, "-tags", "linux noebpf", "-o", "skel", "counter.bpf.c")
	mustRun(t, "-tags", "linux && !noebpf", "-target", "amd64", "-o", "skel", "counter.bpf.c")
	code, err := os.ReadFile("skel/counter_x86_bpfel.go")
	if err != nil {
		t.Fatal(err)
	}
	if want := "\n//go:build (386 || amd64) && linux && !noebpf\n"; !strings.Contains(string(code), want) {
		t.Errorf("no %q in\n%.300s", want, code)
	}
}
