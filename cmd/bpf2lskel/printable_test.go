package main

import (
	"encoding/json"
	"strings"
	"testing"
	"testing/iotest"
)

func TestPrintable(t *testing.T) {
	for in, want := range map[string]string{
		"a\tb\nc größe 数":      "a\tb\nc größe 数",
		"\x1b[31mred\r":        `\u001b[31mred\u000d`,
		"a\u202eb\u2066c":      `a\u202eb\u2066c`,
		"\U000e0001":           `\udb40\udc01`,
		"\xff\xc3":             `\xff\xc3`,
		"\x00\x7f\u0085\u200b": `\u0000\u007f\u0085\u200b`,
	} {
		if got := printable(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

// A character may be split over two writes, and JSON keeps its value.
func TestPrintableWriter(t *testing.T) {
	const name = "größe\u202e\U000e0001\x1b"
	var out strings.Builder
	p := &printableWriter{w: &out}
	enc := json.NewEncoder(byByte{p})
	if err := enc.Encode(name); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(out.String(), "\u202e") {
		t.Errorf("wrote %q", out.String())
	}
	var got string
	if err := json.NewDecoder(iotest.OneByteReader(strings.NewReader(out.String()))).Decode(&got); err != nil || got != name {
		t.Errorf("got %q, %v, want %q", got, err, name)
	}
}

// byByte passes on one byte at a time.
type byByte struct{ w *printableWriter }

func (w byByte) Write(data []byte) (int, error) {
	for i := range data {
		if _, err := w.w.Write(data[i : i+1]); err != nil {
			return i, err
		}
	}
	return len(data), nil
}
