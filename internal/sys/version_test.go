package sys

import "testing"

func TestParseVersion(t *testing.T) {
	for release, want := range map[string]Version{
		"6.1.0-49-cloud-amd64": {6, 1}, "5.10.0": {5, 10}, "7.3-rc1": {7, 3}, "": {}, "x": {},
	} {
		if got := ParseVersion(release); got != want {
			t.Errorf("%q: %v, want %v", release, got, want)
		}
	}
	if v := (Version{5, 17}); !v.Before(Version{6, 0}) || !v.Before(Version{5, 18}) || v.Before(v) || v.Before(Version{4, 19}) {
		t.Error("before")
	}
}

func TestLastCPU(t *testing.T) {
	for list, want := range map[string]int{"0": 0, "0-3": 3, "0-3,8": 8, "0,2-127": 127} {
		if got, err := lastCPU(list); got != want || err != nil {
			t.Errorf("%q: %d, %v, want %d", list, got, err, want)
		}
	}
	if n, err := lastCPU(""); err == nil {
		t.Errorf("an empty list: %d", n)
	}
}
