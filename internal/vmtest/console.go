package main

import (
	"bytes"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// Lines by which init.sh reports its progress. They decide the outcome, not QEMU's exit status.
const (
	markBoot   = "vmtest-boot "   // RELEASE: the kernel and init run
	markBroken = "vmtest-broken " // the set-up step that failed
	markBegin  = "vmtest-begin "  // PACKAGE: what follows is the output of its tests
	markEnd    = "vmtest-end "    // PACKAGE STATUS: its test binary ended
	markDone   = "vmtest-done"    // all test binaries ended
)

// typeExpired is the line that a guest is sent when its time is up. init then sends SIGQUIT to the
// current test binary, which prints all goroutines, and starts no other.
const typeExpired = "vmtest-expired"

// session is the record of a guest that its console gives.
type session struct {
	Release  string
	Broken   []string
	Sections []section
	Done     bool
}

// section is the run of one test binary.
type section struct {
	Package string
	Output  []byte
	Ended   bool
	Status  int
}

// escapes are the sequences that firmware sends to a terminal before the kernel prints anything.
var escapes = regexp.MustCompile("\x1b(\\[[0-9;?=]*[A-Za-z]|c)")

// parseConsole reads the lines of a guest's console. Fields for lines that init did not print stay
// empty.
func parseConsole(console []byte) (session, error) {
	var s session
	open := false
	for line := range bytes.Lines(escapes.ReplaceAll(console, nil)) {
		text := strings.TrimRight(string(line), "\r\n")
		switch {
		case strings.HasPrefix(text, markBoot):
			s.Release = strings.TrimPrefix(text, markBoot)
		case strings.HasPrefix(text, markBroken):
			s.Broken = append(s.Broken, strings.TrimPrefix(text, markBroken))
		case strings.HasPrefix(text, markBegin):
			s.Sections = append(s.Sections, section{Package: strings.TrimPrefix(text, markBegin)})
			open = true
		case strings.HasPrefix(text, markEnd):
			name, status, _ := strings.Cut(strings.TrimPrefix(text, markEnd), " ")
			code, err := strconv.Atoi(status)
			if err != nil || !open || s.Sections[len(s.Sections)-1].Package != name {
				return s, fmt.Errorf("console: unexpected %q outside of a test binary's section", text)
			}
			last := &s.Sections[len(s.Sections)-1]
			last.Ended, last.Status = true, code
			open = false
		case text == markDone:
			s.Done = true
		case open:
			last := &s.Sections[len(s.Sections)-1]
			last.Output = append(last.Output, text...)
			last.Output = append(last.Output, '\n')
		}
	}
	return s, nil
}
