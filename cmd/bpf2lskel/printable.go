package main

import (
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// A printableWriter escapes control characters, and characters that change the direction of the
// text after them, since names of files and in objects may have both. It writes them as \u001b and
// so on, which is the same text in JSON.
type printableWriter struct {
	w    io.Writer
	rest []byte // the first bytes of an incomplete character
}

func (p *printableWriter) Write(data []byte) (int, error) {
	text := append(p.rest, data...)
	p.rest = nil
	var out []byte
	for len(text) > 0 {
		if !utf8.FullRune(text) {
			p.rest = append(p.rest, text...)
			break
		}
		r, size := utf8.DecodeRune(text)
		out = appendPrintable(out, r, text[:size])
		text = text[size:]
	}
	_, err := p.w.Write(out)
	return len(data), err
}

// printable returns text as a printableWriter writes it.
func printable(text string) string {
	var b strings.Builder
	p := &printableWriter{w: &b}
	_, _ = io.WriteString(p, text)
	for _, c := range p.rest {
		fmt.Fprintf(&b, `\x%02x`, c)
	}
	return b.String()
}

func appendPrintable(out []byte, r rune, raw []byte) []byte {
	switch {
	case r == utf8.RuneError && len(raw) == 1:
		return fmt.Appendf(out, `\x%02x`, raw[0])
	case r == '\n', r == '\t', unicode.IsPrint(r):
		return append(out, raw...)
	case r > 0xffff:
		high, low := utf16.EncodeRune(r)
		return fmt.Appendf(out, `\u%04x\u%04x`, high, low)
	}
	return fmt.Appendf(out, `\u%04x`, r)
}
