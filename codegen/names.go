package codegen

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// goName turns a C name into an exported Go name, as bpf2go does:
// count_packets is CountPackets, tcp6_sk is Tcp6Sk, ETH_P_IP is ETH_P_IP.
//
// It drops an underscore and makes the next letter upper case, except after an upper case letter.
// Names that Go would not export, such as 数 or _1, get the prefix X.
func goName(c string) string {
	var b strings.Builder
	upper := true // the next letter begins a word
	last := rune(0)
	for _, r := range c {
		switch {
		case r == '_' && (upper || unicode.IsLower(last) || unicode.IsDigit(last)):
			upper = true
			continue
		case r != '_' && !unicode.IsLetter(r) && !unicode.IsDigit(r):
			continue
		case upper:
			r = unicode.ToUpper(r)
		}
		upper = false
		last = r
		b.WriteRune(r)
	}
	name := b.String()
	if first, _ := utf8.DecodeRuneInString(name); !unicode.IsUpper(first) {
		name = "X" + name
	}
	return name
}

// sectionName returns the Go name of a section with global data: .data.foo is DataFoo.
func sectionName(section string) string {
	return goName(strings.ReplaceAll(section, ".", "_"))
}

// A scope hands out unique names. The order of requests decides who gets a contested name, so it
// must be the same in every run.
type scope map[string]bool

// newScope returns a scope in which some names are taken.
func newScope(taken ...string) scope {
	s := make(scope, len(taken))
	for _, name := range taken {
		s[name] = true
	}
	return s
}

// take returns the first of the names that is free, or else the first name with the lowest number
// appended that makes it free.
func (s scope) take(names ...string) string {
	for _, name := range names {
		if !s[name] {
			s[name] = true
			return name
		}
	}
	for n := 2; ; n++ {
		if name := names[0] + strconv.Itoa(n); !s[name] {
			s[name] = true
			return name
		}
	}
}

// takePair is like take, for a name that must also be free with a prefix: a getter and its setter.
func (s scope) takePair(name, prefix string) string {
	got := name
	for n := 2; s[got] || s[prefix+got]; n++ {
		got = name + strconv.Itoa(n)
	}
	s[got], s[prefix+got] = true, true
	return got
}
