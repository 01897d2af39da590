package codegen

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/mod/module"
)

// CheckStem returns an error if the go command would ignore files whose names begin with stem, or
// would not compile or embed them.
func CheckStem(stem string) error {
	first, _ := utf8.DecodeRuneInString(stem)
	switch {
	case stem == "":
		return fmt.Errorf("the package's files would have no name")
	case first == '_' || first == '.':
		return fmt.Errorf("the package's files would be named %s_*, but Go ignores files whose names begin with %q", stem, first)
	case first < utf8.RuneSelf && !isAlphanumeric(first):
		return fmt.Errorf("the package's files would be named %s_*, but Go does not compile files whose names begin with %q", stem, first)
	}
	if err := module.CheckFilePath(stem + "_"); err != nil {
		return fmt.Errorf("the package's files would be named %s_*, but Go cannot embed such files: %w", stem, err)
	}
	return nil
}

func isAlphanumeric(r rune) bool {
	return '0' <= r && r <= '9' || 'A' <= r && r <= 'Z' || 'a' <= r && r <= 'z'
}

func (g *generator) fileName(ext string) string {
	return fmt.Sprintf("%s_%s.%s", g.opts.Stem, g.opts.Suffix, ext)
}

// embed returns the go:embed directive for a file of the package. Its argument is a pattern.
func (g *generator) embed(ext string) string {
	// [ begins a class of characters. Escaping it with a backslash would not work on Windows.
	name := strings.ReplaceAll(g.fileName(ext), "[", "[[]")
	if strings.Contains(name, " ") {
		name = strconv.Quote(name)
	}
	return "//go:embed " + name
}
