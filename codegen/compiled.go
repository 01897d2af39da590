package codegen

import (
	"bytes"
	"regexp"
	"strings"
)

// Compiled records the compiler and the targets of a package's objects. Each Go file has it as a
// line.
type Compiled struct {
	// Compiler is the name and version of the compiler, such as "clang 14.0.6", or "" if unknown.
	Compiler string
	// Targets are the file name suffixes of all targets that were compiled together.
	Targets []string
}

func (c Compiled) line() string {
	if len(c.Targets) == 0 {
		return ""
	}
	by := ""
	if c.Compiler != "" {
		by = " by " + oneLine(c.Compiler)
	}
	return "// Compiled" + by + " for " + strings.Join(c.Targets, ", ") + "."
}

var compiledLine = regexp.MustCompile(`(?m)^// Compiled(?: by (\S.*?))? for (\S+(?:, \S+)*)\.\n`)

// CompiledBy returns the Compiled line of a Go file.
func CompiledBy(source []byte) Compiled {
	if !bytes.HasPrefix(source, []byte(Header)) {
		return Compiled{}
	}
	m := compiledLine.FindSubmatch(source)
	if m == nil {
		return Compiled{}
	}
	return Compiled{string(m[1]), strings.Split(string(m[2]), ", ")}
}

// WithoutCompiledBy returns a file of the package without its Compiled line.
func WithoutCompiledBy(data []byte) []byte {
	if !bytes.HasPrefix(data, []byte(Header)) {
		return data
	}
	at := compiledLine.FindIndex(data)
	if at == nil {
		return data
	}
	return append(data[:at[0]:at[0]], data[at[1]:]...)
}
