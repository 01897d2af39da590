package testobj

import (
	"bufio"
	"os"
	"strings"
)

// directives are lines of a source's head comment for this package: " * KEY: TEXT".
func directives(name, key string) ([]string, error) {
	path, err := Source(name)
	if err != nil {
		return nil, err
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()

	var texts []string
	s := bufio.NewScanner(f)
	for s.Scan() {
		line := strings.TrimSpace(s.Text())
		if text, ok := strings.CutPrefix(line, "* "+key+": "); ok {
			texts = append(texts, text)
		}
		if strings.HasSuffix(line, "*/") {
			break
		}
	}
	return texts, s.Err()
}

// directive returns the first directive of a kind, or "".
func directive(name, key string) (string, error) {
	texts, err := directives(name, key)
	if err != nil || len(texts) == 0 {
		return "", err
	}
	return texts[0], nil
}

// Accepts returns the uncommon feature of C that an object of the peers uses, and what it becomes
// here.
func Accepts(name string) (what, becomes string, err error) {
	if what, err = directive(name, "accepts"); err != nil {
		return "", "", err
	}
	becomes, err = directive(name, "as")
	return what, becomes, err
}
