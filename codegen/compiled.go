package codegen

import (
	"bytes"
	"regexp"
	"strings"
)

// Compiled says what a package's objects were compiled by and for. It is a line of each Go file.
type Compiled struct {
	// Compiler is its name and version: "clang 14.0.6". Empty is not known.
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

// CompiledBy reads that line of a Go file.
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

// WithoutCompiledBy is a file of the package without that line.
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
