package nearest

import "testing"

func TestName(t *testing.T) {
	names := []string{"help", "inspect", "load", "sign", "verify", "version"}
	for name, want := range map[string]string{
		"laod":       "load",
		"lod":        "load",
		"sing":       "sign",
		"verfiy":     "verify",
		"inspekt":    "inspect",
		"versions":   "version",
		"hlep":       "help",
		"frobnicate": "",
		"ld":         "",
		"x":          "",
		"":           "",
	} {
		if got := Name(name, names); got != want {
			t.Errorf("%q: got %q, want %q", name, got, want)
		}
	}
}
