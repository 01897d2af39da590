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
// An underscore goes, and the letter behind it becomes upper case, except behind an
// upper case letter. What C allows and Go does not export, such as 数 or
// _1, gets an X in front.
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

// sectionName is the Go name of a section with global data: .data.foo is DataFoo.
func sectionName(section string) string {
	return goName(strings.ReplaceAll(section, ".", "_"))
}

// A scope gives out names so that none is used twice in it. The order in
// which names are asked for decides who gets which, so it has to be the same on every
// run.
type scope map[string]bool

// newScope is a scope in which some names are taken.
func newScope(taken ...string) scope {
	s := make(scope, len(taken))
	for _, name := range taken {
		s[name] = true
	}
	return s
}

// take returns the first of the names that is free, or else the first with
// the lowest number behind it that makes it so.
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

// takePair is take for a name that needs a second one with prefix: a getter and its setter.
func (s scope) takePair(name, prefix string) string {
	got := name
	for n := 2; s[got] || s[prefix+got]; n++ {
		got = name + strconv.Itoa(n)
	}
	s[got], s[prefix+got] = true, true
	return got
}
