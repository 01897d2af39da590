package object

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
)

// Error describes what is wrong with an object file, and where. It prints as one line, whatever the
// file contains.
type Error struct {
	File    string // as passed to Read or Parse; "" if not known yet
	Section string // of the ELF file; "" if none
	Symbol  string // a function, variable, map or extern; "" if none
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

// badSection and badSymbol return an Error whose File is set by Parse.

func badSection(section, format string, args ...any) error {
	return &Error{Section: section, Err: fmt.Errorf(format, args...)}
}

func badSymbol(section, symbol, format string, args ...any) error {
	return &Error{Section: section, Symbol: symbol, Err: fmt.Errorf(format, args...)}
}

// maxPrinted bounds the length of a name in an error, in bytes.
const maxPrinted = 200

// clean returns a name from a file in a form that fits on one line. It quotes names that are not
// plain.
func clean(name string) string {
	if len(name) > maxPrinted {
		name = name[:maxPrinted] + "..."
	}
	if name == "" || strings.ContainsFunc(name, unprintable) {
		return strconv.Quote(name)
	}
	return name
}

// unprintable reports whether r must not appear in a line, which includes invalid UTF-8.
func unprintable(r rune) bool { return !unicode.IsPrint(r) || r == unicode.ReplacementChar }
