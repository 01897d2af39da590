package object

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
)

// Error says what is wrong with an object file and where. It prints in one
// line whatever the file contains.
type Error struct {
	File    string // as given to Read or Parse, "" if not known yet
	Section string // of the ELF file, "" if none
	Symbol  string // a function, variable, map or extern, "" if none
	Err     error
}

func (e *Error) Error() string {
	var b strings.Builder
	if e.File != "" {
		b.WriteString(clean(e.File) + ": ")
	}
	if e.Section != "" {
		b.WriteString("section " + clean(e.Section) + ": ")
	}
	if e.Symbol != "" {
		b.WriteString(clean(e.Symbol) + ": ")
	}
	b.WriteString(e.Err.Error())
	return b.String()
}

func (e *Error) Unwrap() error { return e.Err }

// badSection and badSymbol make an Error whose file Parse fills in.

func badSection(section, format string, args ...any) error {
	return &Error{Section: section, Err: fmt.Errorf(format, args...)}
}

func badSymbol(section, symbol, format string, args ...any) error {
	return &Error{Section: section, Symbol: symbol, Err: fmt.Errorf(format, args...)}
}

// maxPrinted bounds how much of a name from a file an error repeats, in bytes.
const maxPrinted = 200

// clean makes a name from a file fit for one line: plain as it is, anything else quoted.
func clean(name string) string {
	if len(name) > maxPrinted {
		name = name[:maxPrinted] + "..."
	}
	if name == "" || strings.ContainsFunc(name, unprintable) {
		return strconv.Quote(name)
	}
	return name
}

// unprintable tells what does not belong into a line, bytes that are no UTF-8 too.
func unprintable(r rune) bool { return !unicode.IsPrint(r) || r == unicode.ReplacementChar }
