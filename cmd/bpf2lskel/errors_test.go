package main

import (
	"strings"
	"testing"
)

// Errors name the flags by their names, and say what to do.
func TestErrorsOfFlags(t *testing.T) {
	inModule(t)
	write(t, "counter.bpf.c", source)
	for args, want := range map[string]string{
		"-sign-key k -sign-cmd c counter.bpf.c":  "-sign-key and -sign-cmd are mutually exclusive",
		"-sign-key k counter.bpf.c":              "-sign-key requires -sign-cert: ",
		"-sign-cert c counter.bpf.c":             "-sign-cert requires -sign-key or -sign-cmd",
		"sign -key k -cmd c skel":                "-key and -cmd are mutually exclusive",
		"sign -key k skel":                       "-key requires -cert: ",
		"sign -cmd ' skel":                       `-cmd "'": want a command and its arguments: missing '`,
		"sign -key none.pem -cert none.pem skel": "open none.pem: no such file or directory",
		"verify -cert none.pem skel":             "open none.pem: no such file or directory",
		"-target x86 counter.bpf.c":              `unknown target "x86": want one of bpf, bpfel, bpfeb, native, 386, amd64, `,
		"-target bpfel,amd64 counter.bpf.c":      "-target bpfel,amd64: both are for GOARCH 386: leave one out",
		"-cflags ' counter.bpf.c":                "-cflags ': missing '",
		"-cflags -MD counter.bpf.c":              "compiler flag -MD: use -makebase instead",
		"-strip no-such-strip counter.bpf.c":     "no-such-strip is not installed: install it, or name another with -strip",
		"inspect none.o":                         "none.o: no such file or directory",
	} {
		mustFail(t, want, strings.Fields(args)...)
	}
	status, out := bpf2lskel("sign", "-cmd", " ", "skel")
	if want := `-cmd " ": want a command and its arguments: it is empty`; status != 1 || !strings.Contains(out, want) {
		t.Errorf("exit status %d, no %q in\n%s", status, want, out)
	}
}
