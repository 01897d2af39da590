package testobj

import (
	"bufio"
	"os"
	"strings"
)

// directives are the lines of a source's head comment that say something to this package: " * KEY:
// TEXT".
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

// directive is the first of its kind, or "".
func directive(name, key string) (string, error) {
	texts, err := directives(name, key)
	if err != nil || len(texts) == 0 {
		return "", err
	}
	return texts[0], nil
}

// Accepts says what an object of the peers' has that few accept, and what becomes of it here.
func Accepts(name string) (what, becomes string, err error) {
	if what, err = directive(name, "accepts"); err != nil {
		return "", "", err
	}
	becomes, err = directive(name, "as")
	return what, becomes, err
}
