package codegen

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/mod/module"
)

// CheckStem makes sure that the go command takes files whose names begin with stem: it ignores
// some, and neither compiles nor embeds others.
func CheckStem(stem string) error {
	first, _ := utf8.DecodeRuneInString(stem)
	switch {
	case stem == "":
		return fmt.Errorf("files of the package would have no name")
	case first == '_' || first == '.':
		return fmt.Errorf("files of the package would be named %s_*, and Go ignores files whose names begin with %q", stem, first)
	case first < utf8.RuneSelf && !isAlphanumeric(first):
		return fmt.Errorf("files of the package would be named %s_*, and Go compiles no files whose names begin with %q", stem, first)
	}
	if err := module.CheckFilePath(stem + "_"); err != nil {
		return fmt.Errorf("files of the package would be named %s_*, and Go embeds no such files: %w", stem, err)
	}
	return nil
}

func isAlphanumeric(r rune) bool {
	return '0' <= r && r <= '9' || 'A' <= r && r <= 'Z' || 'a' <= r && r <= 'z'
}

func (g *generator) fileName(ext string) string {
	return fmt.Sprintf("%s_%s.%s", g.opts.Stem, g.opts.Suffix, ext)
}

// embed is the directive for a file of the package. Its argument is a pattern.
func (g *generator) embed(ext string) string {
	// [ begins a class of characters. A backslash in front of it would not do on Windows.
	name := strings.ReplaceAll(g.fileName(ext), "[", "[[]")
	if strings.Contains(name, " ") {
		name = strconv.Quote(name)
	}
	return "//go:embed " + name
}
