package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseConsole(t *testing.T) {
	const console = "\x1bc\x1b[?7l\x1b[2JSeaBIOS\r\n" +
		"vmtest-boot 6.12.95+deb12-cloud-amd64\r\n" +
		"vmtest-broken insmod veth\r\n" +
		"vmtest-begin runtime\r\n" +
		"\x16=== RUN   TestA\r\n" +
		"text\r\n" +
		"vmtest-end runtime 0\r\n" +
		"vmtest-begin internal/object\r\n" +
		"panic: x\r\n" +
		"vmtest-end internal/object 2\r\n" +
		"vmtest-log\r\n[    1.0] something\r\nvmtest-log-end\r\n" +
		"vmtest-done\r\n"
	got, err := parseConsole([]byte(console))
	if err != nil {
		t.Fatal(err)
	}
	want := session{
		Release: "6.12.95+deb12-cloud-amd64",
		Broken:  []string{"insmod veth"},
		Sections: []section{
			{Package: "runtime", Output: []byte("\x16=== RUN   TestA\ntext\n"), Ended: true},
			{Package: "internal/object", Output: []byte("panic: x\n"), Ended: true, Status: 2},
		},
		Done: true,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestParseConsoleOfDeadGuest(t *testing.T) {
	got, err := parseConsole([]byte("vmtest-boot 6.1\nvmtest-begin runtime\n\x16=== RUN   TestA\nKernel panic\n"))
	if err != nil {
		t.Fatal(err)
	}
	if got.Done || len(got.Sections) != 1 || got.Sections[0].Ended {
		t.Errorf("a guest that died in its first test: %+v", got)
	}
}

func TestParseConsoleRejectsMisplacedEnd(t *testing.T) {
	for _, console := range []string{
		"vmtest-end runtime 0\n",
		"vmtest-begin runtime\nvmtest-end loader 0\n",
		"vmtest-begin runtime\nvmtest-end runtime zero\n",
	} {
		if _, err := parseConsole([]byte(console)); err == nil {
			t.Errorf("no error for %q", strings.TrimSpace(console))
		}
	}
}
