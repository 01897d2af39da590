package main

import (
	"strings"
	"testing"
)

// Errors refer to flags by name and say what to do. A value that a flag never accepts is a usage
// error.
func TestFlagErrors(t *testing.T) {
	inModule(t)
	write(t, "counter.bpf.c", source)
	for args, want := range map[string]string{
		"-sign-key k -sign-cmd c counter.bpf.c": "-sign-key and -sign-cmd are mutually exclusive",
		"-sign-key k counter.bpf.c":             "-sign-key requires -sign-cert, ",
		"-sign-cert c counter.bpf.c":            "-sign-cert requires -sign-key or -sign-cmd",
		"sign -key k -cmd c skel":               "-key and -cmd are mutually exclusive",
		"sign -key k skel":                      "-key requires -cert, ",
		"sign -cmd ' skel":                      `-cmd "'": missing ': want a command and its arguments`,
		"sign -cmd _ skel":                      `-cmd " ": empty: want a command and its arguments`,
		"-target x86 counter.bpf.c":             `bpf2lskel: unknown target "x86": want one of bpf, bpfel, bpfeb, native, 386, amd64, `,
		"-target bpf,z80 counter.bpf.c":         `unknown target "z80": want one of`,
		"-target bpf, counter.bpf.c":            `unknown target "": want one of`,
		"-target bpfel,amd64 counter.bpf.c":     "-target bpfel,amd64: both are for GOARCH 386: remove one",
		"-cflags ' counter.bpf.c":               "-cflags ': missing '",
		"-cflags -MD counter.bpf.c":             "compiler flag -MD: use -makebase instead",
		"-cc _ counter.bpf.c":                   "-cc: want a compiler",
		"-tags && counter.bpf.c":                `-tags "&&": `,
		"-tags a,,b counter.bpf.c":              `-tags "a,,b": empty tag`,
		"-go-package 1st counter.bpf.c":         `-go-package: "1st" is not a valid Go package name`,
		"-go-package a/b counter.bpf.c":         `-go-package: "a/b" is not a valid Go package name`,
		"-go-package func counter.bpf.c":        `-go-package: "func" is not a valid Go package name`,
		"-type= counter.bpf.c":                  `invalid value "" for flag -type: want the name of a C type`,
		"-ringbuf m counter.bpf.c":              `invalid value "m" for flag -ringbuf: want MAP=TYPE`,
		"-kernel-btf= counter.bpf.c":            `invalid value "" for flag -kernel-btf: want a file`,
		"-check=maybe counter.bpf.c":            `invalid boolean value "maybe" for -check`,
		"-no-such-flag counter.bpf.c":           "unknown flag -no-such-flag",
		"load -jsom m.o":                        "unknown flag -jsom (did you mean -json?)",
		"load -json=maybe m.o":                  `invalid boolean value "maybe" for -json`,
		"load":                                  "want one object file, got 0 arguments",
		"load a.o b.o":                          "want one object file, got 2 arguments",
		"inspect":                               "want one object file, got 0 arguments",
		"verify skel":                           "-cert is required",
		"verify -cert c":                        "want the directory of a package",
		"-o skel":                               "want a source or object file",
		"counter.bpf.c -o skel":                 "flag -o after the file",
	} {
		words := strings.Fields(args)
		for i := range words {
			words[i] = strings.ReplaceAll(words[i], "_", " ")
		}
		mustBeWrong(t, want, words...)
	}
	if got := list(t, "counter"); got != nil {
		t.Errorf("left %v behind", got)
	}
}

// A missing file that a flag names is not a usage error.
func TestFileErrors(t *testing.T) {
	inModule(t)
	write(t, "counter.bpf.c", source)
	for args, want := range map[string]string{
		"sign -key none.pem -cert none.pem skel": "open none.pem: no such file or directory",
		"verify -cert none.pem skel":             "open none.pem: no such file or directory",
		"-strip no-such-strip counter.bpf.c":     "no-such-strip not found: install it, or select another with -strip",
		"-ringbuf none=key counter.bpf.c":        "map none: the object has no ring buffer or perf event array of this name",
		"-kernel-btf none counter.bpf.c":         "read BTF of none: open none: no such file or directory",
		"inspect none.o":                         "none.o: no such file or directory",
		"-o 1st counter.bpf.c":                   `"1st" is not a valid Go package name: set one with -go-package`,
	} {
		mustFail(t, want, strings.Fields(args)...)
	}
}
